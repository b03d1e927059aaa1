import assert from "node:assert/strict";
import { test } from "node:test";
import { BadName, LONGEST, tokens, untrained } from "./words.js";

const vocabulary = { words: { metal: [11], nut: [12], hazelnut: [13, 14] }, start: 1, end: 2, trained: [12, 13, 14] };

test("a name becomes SOS, its words' ids, EOS, in any case and spacing", () => {
  assert.deepEqual(tokens("  Metal\tNUT ", vocabulary), [1, 11, 12, 2]);
  assert.deepEqual(tokens("hazelnut", vocabulary), [1, 13, 14, 2]);
});

test("names that cannot be taken are refused with the reason", () => {
  const refuses = (name, message) => assert.throws(() => tokens(name, vocabulary), { constructor: BadName, message });
  refuses("  ", /Type a class name/);
  refuses("rusty metal zyx rusty", /does not know “rusty”, “zyx”/);
  refuses("metal_nut", /letters a to z.*“metal_nut”/);
  refuses("constructor", /does not know “constructor”/); // a property of every object
  refuses("nut ".repeat(LONGEST - 1), /too long/);
  assert.equal(tokens("nut ".repeat(LONGEST - 2), vocabulary).length, LONGEST);
});

test("words whose vectors were never trained are known", () => {
  assert.deepEqual(untrained("Metal hazelnut", vocabulary), ["metal"]);
});
