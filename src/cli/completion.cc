// weft completion: what a shell asks to complete the words of a command line.
#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/daemon_client.h"

namespace weft::cli {

namespace {

constexpr const char* kName = "weft completion";

// Both take the options from the help of the command that they belong to.
constexpr std::string_view kBash = R"sh(# bash completion of weft: source <(weft completion bash)
_weft() {
  local line=${COMP_LINE:0:COMP_POINT} words cur
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur=${words[-1]}
  COMPREPLY=()
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_weft_options "${words[@]:1:${#words[@]}-2}")" -- "$cur")
    return
  fi
  mapfile -t COMPREPLY < <(command weft completion candidates "${words[@]:1}" 2>/dev/null)
  # What bash takes for the word begins behind the last colon.
  local before=${cur%"${cur##*[:=]}"}
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
  return 0
}
_weft_options() {
  local command=()
  [[ $# -gt 0 ]] && command=("$1")
  [[ ${1-} == tenant && $# -gt 1 ]] && command+=("$2")
  command weft "${command[@]}" --help 2>/dev/null | grep -oE '^  -[^ ]+' | grep -oE -- '--?[a-z][a-z-]*'
}
complete -o bashdefault -o default -F _weft weft
)sh";

constexpr std::string_view kZsh = R"sh(#compdef weft
# zsh completion of weft: source <(weft completion zsh), or a file _weft in $fpath
_weft() {
  local -a found options line
  if [[ ${words[CURRENT]} == -* ]]; then
    line=(${words[2]})
    [[ ${words[2]} == tenant && $CURRENT -gt 3 ]] && line+=(${words[3]})
    options=(${(f)"$(command weft $line --help 2>/dev/null | grep -oE '^  -[^ ]+' | grep -oE -- '--?[a-z][a-z-]*')"})
    compadd -- $options
    return
  fi
  found=(${(f)"$(command weft completion candidates "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( $#found == 0 )); then
    _files
    return
  fi
  compadd -S '' -- ${(M)found:#*/}
  compadd -- ${found:#*/}
}
if [[ $funcstack[1] == _weft ]]; then _weft "$@"; else compdef _weft weft; fi
)sh";

void print_if_fits(std::string_view candidate, std::string_view word) {
  if (candidate.starts_with(word)) fmt::print("{}\n", candidate);
}

void complete_names(std::span<const Command> rows, std::string_view word) {
  for (const Command& row : rows) print_if_fits(row.name, word);
}

// Of what is not there, and when no weftd answers, there is nothing to say.
void complete_path(const DaemonClient& daemon, const std::string& word) {
  const std::size_t slash = word.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : word.substr(0, slash + 1);
  const auto shown = daemon.call("GET", tree_target(directory));
  if (!shown || !shown->contains("entries")) return;
  for (const auto& entry : (*shown)["entries"])
    print_if_fits(directory + entry.value("name", "") + (entry.value("kind", "") == "directory" ? "/" : ""),
                  word);
}

void complete_tenant(const DaemonClient& daemon, std::string_view word) {
  const auto shown = daemon.call("GET", "/v1/tree/nvmet/subsystems?attributes=none");
  if (!shown) return;
  for (const auto& entry : (*shown)["entries"]) print_if_fits(entry.value("name", ""), word);
}

void complete_action(const Command& command, std::string_view word) {
  if (command.run == tenant) return complete_names(tenant_commands(), word);
  if (command.run == completion)
    for (const char* const shell : {"bash", "zsh"}) print_if_fits(shell, word);
  if (command.run != help) return;
  complete_names(commands(), word);
  for (const char* const topic : {"attributes", "plugins"}) print_if_fits(topic, word);
}

// The last of the words is the one to complete.
void complete(std::span<const char* const> words) {
  ClientOptions options;
  CLI::App app;
  add_client_options(app, options, false);
  app.allow_extras();
  std::vector<std::string> given(words.begin(), words.end());
  const std::string word = given.empty() ? "" : given.back();
  if (given.size() < 2) return complete_names(commands(), word);
  std::vector<std::string> reversed(given.rbegin() + 1, given.rend() - 1);
  try {
    app.parse(std::move(reversed));  // for the socket
  } catch (const CLI::ParseError&) {
    return;
  }
  const Command* command = find_command(commands(), given[0]);
  std::size_t place = given.size() - 1;
  if (command != nullptr && command->run == tenant && place > 1) {
    command = find_command(tenant_commands(), given[1]);
    --place;
  }
  if (command == nullptr) return;
  const DaemonClient daemon(options);
  if (command->words == Words::paths) complete_path(daemon, word);
  if (command->words == Words::tenants) complete_tenant(daemon, word);
  if (command->words == Words::actions && place == 1) complete_action(*command, word);
}

}  // namespace

int completion(int argc, const char* const* argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "bash" || what == "zsh")
    fmt::print("{}", what == "bash" ? kBash : kZsh);
  else if (what == "candidates")
    complete({argv + 2, static_cast<std::size_t>(argc - 2)});
  else if (what == "--help" || what == "-h")
    fmt::print(
        "Prints what makes a shell complete the words of weft.\nUsage: weft completion bash|zsh\n\n"
        "Example:\n  source <(weft completion bash)\n");
  else
    return refuse(kName, fmt::format("\"{}\": must be bash or zsh", what));
  return 0;
}

}  // namespace weft::cli
