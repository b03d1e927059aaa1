// From a class name to the ids of CLIP's tokenizer. The page ships the ids of a list of words; it has no tokenizer.

export const LONGEST = 67; // tokens of a name with SOS and EOS: what the learned vectors of a prompt leave of 77

/** A class name that the page cannot take; the message says why. */
export class BadName extends Error {}

/**
 * The ids of a class name, from SOS to EOS, as `open_clip.tokenize` returns them for words of the list.
 *
 * @param {string} name words separated by spaces, in any case
 * @param {{words: Object<string, number[]>, start: number, end: number}} vocabulary
 * @returns {number[]}
 * @throws {BadName} for a name that is empty or too long, or has a word that is not on the list
 */
export function tokens(name, vocabulary) {
  const words = split(name);
  if (!words.length) throw new BadName("Type a class name, such as “object”.");
  const unknown = [...new Set(words.filter((word) => !Object.hasOwn(vocabulary.words, word)))];
  if (unknown.length) throw new BadName(refusal(unknown));
  const ids = [vocabulary.start, ...words.flatMap((word) => vocabulary.words[word]), vocabulary.end];
  if (ids.length > LONGEST) throw new BadName("This class name is too long for a prompt. Use fewer words.");
  return ids;
}

/** The words of a name whose vectors the tiny CLIP never trained: they are still the random vectors of its start. */
export function untrained(name, vocabulary) {
  const trained = new Set(vocabulary.trained);
  return split(name).filter((word) => vocabulary.words[word]?.some((id) => !trained.has(id)));
}

function split(name) {
  return name.toLowerCase().split(/\s+/).filter(Boolean);
}

function refusal(unknown) {
  const listed = unknown.map((word) => `“${word}”`).join(", ");
  const odd = unknown.find((word) => /[^a-z]/.test(word));
  if (odd) return `Write words of the letters a to z with spaces between them; ${listed} cannot be used.`;
  return `This page does not know ${listed}. It knows common English words; try another one.`;
}
