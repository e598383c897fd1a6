// SPDX-License-Identifier: MIT
//
// What a pointer does to a matrix: points at a cell, pins it, moves the
// picture; two pinch it, a wheel zooms.

/** m: the Matrix. -> off() */
export function gestures(m) {
  const { grid, handlers } = m;
  const pointers = new Map(); // id -> {px, py} of those that are down
  let moved = false; // since they went down
  let here = false; // the pointer, not the page, has moved to where it is
  let point = null;

  const place = (event) => {
    const box = grid.getBoundingClientRect();
    return {
      px: event.clientX - box.left - m.margin,
      py: event.clientY - box.top - m.margin,
    };
  };

  const cellAt = ({ px, py }) => {
    const q = Math.floor(m.y + py / m.scale);
    const k = Math.floor(m.x + px / m.scale);
    const inside = q < m.T && k < m.T && px < m.side && py < m.side;
    if (!inside || !m.T || (px < 0 && py < 0)) {
      return null;
    }
    // The margins stand for their row or column.
    if (py < 0) {
      return { q: m.cell?.q ?? m.T - 1, k };
    }
    return { q, k: px < 0 ? Math.min(m.cell?.k ?? q, q) : Math.min(k, q) };
  };

  const tell = (event, how) => {
    const cell = cellAt(place(event));
    if (cell) {
      handlers.onCell(cell.q, cell.k, how);
    }
  };

  const down = (event) => {
    grid.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    moved = pointers.size > 1;
  };

  const drag = (event, before) => {
    const now = place(event);
    const [dx, dy] = [now.px - before.px, now.py - before.py];
    if (!moved && Math.hypot(dx, dy) < 4) {
      return;
    }
    moved = true;
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (other) {
      const gap = (a) =>
        Math.max(20, Math.hypot(a.px - other.px, a.py - other.py));
      m.zoom(
        gap(now) / gap(before),
        (now.px + other.px) / 2,
        (now.py + other.py) / 2,
      );
    }
    const share = (other ? 0.5 : 1) / m.scale; // half moves a pinch's middle
    m.setView(m.scale, m.x - share * dx, m.y - share * dy);
    handlers.onView?.();
  };

  const move = (event) => {
    const at = `${event.clientX} ${event.clientY}`;
    here ||= point !== null && at !== point;
    point = at;
    const before = pointers.get(event.pointerId);
    if (before) {
      drag(event, before);
    } else {
      tell(event, "hover");
    }
  };

  const up = (event) => {
    if (pointers.delete(event.pointerId) && !moved) {
      tell(event, "pin");
    }
  };

  const leave = () => {
    if (!pointers.size) {
      handlers.onLeave?.();
    }
  };

  const wheel = (event) => {
    const ours = event.ctrlKey || event.metaKey || here;
    if (!ours || !m.T || (m.fitted() && event.deltaY > 0)) {
      return;
    }
    event.preventDefault();
    const step = event.deltaY * (event.deltaMode ? 16 : 1);
    const { px, py } = place(event);
    m.zoom(1.0025 ** -Math.max(-120, Math.min(120, step)), px, py);
  };

  const scrolled = () => (here = false);
  const how = { capture: true, passive: true };
  addEventListener("scroll", scrolled, how);
  grid.addEventListener("pointerdown", down);
  grid.addEventListener("pointermove", move);
  grid.addEventListener("pointerup", up);
  grid.addEventListener("pointercancel", (e) => pointers.delete(e.pointerId));
  grid.addEventListener("pointerleave", leave);
  grid.addEventListener("wheel", wheel, { passive: false });
  return () => removeEventListener("scroll", scrolled, how);
}
