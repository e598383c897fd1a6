// SPDX-License-Identifier: MIT
//
// What is too much for a page: a text that was made to cost is not laid out but
// shown as it is, within a second.

export class TooMuch extends Error {}

// Marks of quotes and lists, one in the other.
const DEEP = /^(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))){40}/m;
/** Would marked have to call itself too often? */
export const isDeep = (markdown) => DEEP.test(markdown);

const WORK = 2e6; // characters looked at; a long page needs a tenth of it

/** Extensions that find nothing but stop what goes on for too long. What pages
 * of people need is never stopped, however slow the machine is. */
export function clocks(ms) {
  const end = performance.now() + ms;
  let work = 0;
  const look = (src) => {
    work += src.length;
    if (work > WORK && performance.now() > end) {
      throw new TooMuch("it takes too long");
    }
  };
  return [
    {
      name: "blockClock",
      level: "block",
      tokenizer(src, tokens) {
        if (tokens !== this.lexer.tokens) look(src); // the page's own are cheap
      },
    },
    { name: "inlineClock", level: "inline", tokenizer: look },
  ];
}
