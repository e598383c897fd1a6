// SPDX-License-Identifier: MIT
//
// The examples of FIPS 180-4 and NIST's "SHA Test Vectors for Hashing
// Byte-Oriented Messages".

#include <doctest/doctest.h>

#include <string>

#include "llm/core/error.h"
#include "llm/core/sha256.h"
#include "temporary_folder.h"

using namespace llm;

TEST_CASE("sha256: NIST vectors") {
  CHECK(
      sha256_hex("") ==
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(
      sha256_hex("abc") ==
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(
      sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(
      sha256_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(
      sha256_hex(std::string(1'000'000, 'a')) ==
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(
      sha256_hex("\xbd") ==
      "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b");
}

TEST_CASE("sha256: pieces of any size give the same hash") {
  const std::string text(300, 'x');
  for (size_t length = 0; length <= text.size(); ++length) {
    const std::string whole = sha256_hex(text.substr(0, length));
    Sha256 hash;
    hash.update(std::string_view(text).substr(0, length / 3));
    hash.update("");
    hash.update(std::string_view(text).substr(length / 3, length - length / 3));
    REQUIRE(hash.hex() == whole);
    REQUIRE(hash.hex() == whole);
  }
  Sha256 ended;
  ended.hex();
  CHECK_THROWS_AS(ended.update("x"), UsageError);
}

TEST_CASE("sha256: files, also longer than one piece") {
  test::TemporaryFolder folder;
  const std::string bytes(3'000'001, 'q');
  test::put(folder / "big", bytes);
  test::put(folder / "empty", "");
  CHECK(sha256_file(folder / "big") == sha256_hex(bytes));
  CHECK(sha256_file(folder / "empty") == sha256_hex(""));
  CHECK_THROWS_AS(sha256_file(folder / "none"), InputError);
  CHECK_THROWS_AS(sha256_file(folder.path()), InputError);
}
