// SPDX-License-Identifier: MIT
//
// A token as text: bare, for people who want to see spaces, line ends and lone
// bytes, and for a screen reader.

const MARKS = { "\n": "↵", "\r": "␍", "\t": "⇥", " ": "·" };

const hex = (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

/** The bare text of a token; "" when its bytes are only part of a character. */
export function plain(token) {
  if (!token.bytes) return token.text;
  return new TextDecoder().decode(Uint8Array.from(token.bytes));
}

const shown = (text) =>
  text.replace(
    /[\n\r\t ]|[\0-\x1f\x7f]/g,
    (c) => MARKS[c] ?? hex(c.charCodeAt(0)),
  );

/** For people: spaces, line ends and lone bytes can be seen. */
export function visible(token) {
  const text = plain(token);
  if (text.includes("\ufffd") && token.bytes) {
    return token.bytes
      .map((b) => (b < 0x80 ? shown(String.fromCharCode(b)) : hex(b)))
      .join("");
  }
  return text === "" ? "∅" : shown(text);
}

/** For a screen reader. */
export function spoken(token) {
  const text = plain(token);
  if (text.includes("\ufffd")) return visible(token);
  if (text.trim() !== "") return text.trim();
  const names = { "\n": "line end", " ": "space", "\t": "tab" };
  return [...text].map((c) => names[c] ?? "space").join(" ") || "nothing";
}
