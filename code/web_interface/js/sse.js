// SPDX-License-Identifier: MIT
//
// Server-sent events as bytes come in: https://html.spec.whatwg.org, section
// 9.2.6. A chunk may end anywhere, inside a character, a line or a CR LF, so
// the parser keeps what is not complete. (EventSource cannot POST, nor send a
// header; hence fetch and this.)

/** push(bytes) calls onEvent({event, data, id}) for each event that is
 * complete, and onComment(text) for lines like ": ping". An event that the
 * stream breaks off is dropped, as the standard says. */
export function sseParser(onEvent, onComment = () => {}) {
  const decoder = new TextDecoder("utf-8"); // drops a byte order mark itself
  let rest = ""; // a line that is not complete
  let skipLF = false; // the last line ended with CR: its LF may still come
  let data = [];
  let event = "";
  let id = "";

  const dispatch = () => {
    if (data.length)
      onEvent({ event: event || "message", data: data.join("\n"), id });
    data = [];
    event = "";
  };

  const take = (line) => {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return onComment(line.slice(1).trimStart());
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  };

  return {
    push(chunk) {
      let text = decoder.decode(chunk, { stream: true });
      if (text === "") return;
      if (skipLF && text[0] === "\n") text = text.slice(1);
      skipLF = false;
      let start = 0;
      for (let i = 0; i < text.length; i++) {
        const c = text[i];
        if (c !== "\n" && c !== "\r") continue;
        const line = rest + text.slice(start, i);
        rest = "";
        if (c === "\r") {
          if (i + 1 === text.length) skipLF = true;
          else if (text[i + 1] === "\n") i++;
        }
        start = i + 1;
        take(line);
      }
      rest += text.slice(start);
    },
  };
}
