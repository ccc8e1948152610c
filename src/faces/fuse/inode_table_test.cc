#include "faces/fuse/inode_table.h"

#include <gmock/gmock.h>

namespace weft::faces {
namespace {

using config::NodeKind;
using testing::Optional;

TEST(InodeTable, PathsOfWhatWasEntered) {
  InodeTable table;
  EXPECT_THAT(table.path(kRootInode), Optional(std::string()));
  EXPECT_THAT(table.path(kRootInode, "a"), Optional(std::string("a")));
  const Inode a = table.enter(kRootInode, "a", NodeKind::directory).value();
  const Inode b = table.enter(a, "b", NodeKind::attribute).value();
  EXPECT_NE(a, b);
  EXPECT_THAT(table.path(b), Optional(std::string("a/b")));
  EXPECT_THAT(table.path(a, "c"), Optional(std::string("a/c")));
  EXPECT_THAT(table.find(a, "b"), Optional(b));
  EXPECT_EQ(table.find(a, "c"), std::nullopt);
  EXPECT_EQ(table.parent(b), a);
  EXPECT_EQ(table.parent(a), kRootInode);
  EXPECT_EQ(table.parent(kRootInode), kRootInode);
  EXPECT_EQ(table.path(b + 1), std::nullopt);
  EXPECT_EQ(table.enter(b + 1, "x", NodeKind::link), std::nullopt);
  EXPECT_EQ(table.enter_new(b + 1, "x", NodeKind::link), std::nullopt);
}

TEST(InodeTable, EveryLookupIsForgotten) {
  InodeTable table;
  const Inode a = table.enter(kRootInode, "a", NodeKind::directory).value();
  EXPECT_THAT(table.enter(kRootInode, "a", NodeKind::directory), Optional(a));
  table.forget(a, 1);
  EXPECT_EQ(table.size(), 2U);
  table.forget(a, 1);
  EXPECT_EQ(table.size(), 1U);
  table.forget(a, 1);
  table.forget(kRootInode, 1);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_NE(table.enter(kRootInode, "a", NodeKind::directory), a) << "numbers are never used again";
}

TEST(InodeTable, AParentStaysAsLongAsSomethingBelowIt) {
  InodeTable table;
  const Inode a = table.enter(kRootInode, "a", NodeKind::directory).value();
  const Inode b = table.enter(a, "b", NodeKind::directory).value();
  const Inode c = table.enter(b, "c", NodeKind::attribute).value();
  table.forget(a, 1);
  table.forget(b, 5);
  EXPECT_EQ(table.size(), 4U);
  EXPECT_THAT(table.path(c), Optional(std::string("a/b/c")));
  EXPECT_THAT(table.enter(kRootInode, "a", NodeKind::directory), Optional(a))
      << "it comes back with its number";
  table.forget(a, 1);
  table.forget(c, 1);
  EXPECT_EQ(table.size(), 1U);
}

TEST(InodeTable, WhatIsGoneHasNoPath) {
  InodeTable table;
  const Inode a = table.enter(kRootInode, "a", NodeKind::directory).value();
  const Inode b = table.enter(a, "b", NodeKind::attribute).value();
  table.detach(kRootInode, "a");
  table.detach(kRootInode, "a");
  EXPECT_EQ(table.path(a), std::nullopt);
  EXPECT_EQ(table.path(b), std::nullopt);
  EXPECT_EQ(table.path(a, "x"), std::nullopt);
  EXPECT_EQ(table.find(kRootInode, "a"), std::nullopt);

  const Inode again = table.enter(kRootInode, "a", NodeKind::directory).value();
  EXPECT_NE(again, a);
  const Inode made = table.enter_new(kRootInode, "a", NodeKind::directory).value();
  EXPECT_NE(made, again);
  EXPECT_EQ(table.path(again), std::nullopt);
  EXPECT_EQ(table.path(b), std::nullopt) << "what took the name is not its parent";
  EXPECT_THAT(table.path(made), Optional(std::string("a")));
  const Inode link = table.enter(kRootInode, "a", NodeKind::link).value();
  EXPECT_NE(link, made) << "another kind is another object";
  EXPECT_EQ(table.path(made), std::nullopt);

  for (const Inode inode : {a, b, again, made, link}) table.forget(inode, 1);
  EXPECT_EQ(table.size(), 1U);
}

TEST(InodeTable, TheRootIsNeverGone) {
  InodeTable table;
  table.detach(kRootInode);
  table.forget(kRootInode, 100);
  EXPECT_THAT(table.path(kRootInode), Optional(std::string()));
}

}  // namespace
}  // namespace weft::faces
