// Small helpers to build pages. Text only ever enters as text nodes: what customers, bots and
// agents write is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** Make an element. Keys beginning with "on" are listeners; null and false leave an attribute out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `web/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** A text whose order numbers, and "E-Mail", stay in one line: a hyphen would part them. */
export function whole(text) {
  return text.split(/(?<![\w-])([A-Z]-\d{4,}|E-Mails?)(?!\w)/).map((part, index) =>
    index % 2 === 1 ? el("span", { class: "whole" }, part) : part);
}

/** A text with its web addresses as links. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g)) {
    parts.push(...whole(text.slice(end, match.index)));
    parts.push(el("a", { href: match[0], target: "_blank", rel: "noopener noreferrer" }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, ...whole(text.slice(end))];
}

/** Storage that a browser may forbid: the page works without it, and forgets more. */
export const kept = {
  get(key, fallback = null) {
    try {
      return JSON.parse(localStorage.getItem(`schalter.${key}`)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`schalter.${key}`, JSON.stringify(value));
    } catch {
      // private mode or full: nothing to do about it
    }
  },
  remove(key) {
    try {
      localStorage.removeItem(`schalter.${key}`);
    } catch {
      // as above
    }
  },
  /** All values whose keys begin so. */
  all(prefix) {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(`schalter.${prefix}`));
      return keys.map((key) => JSON.parse(localStorage.getItem(key)));
    } catch {
      return [];
    }
  },
};

/** A random name for a message or a command: the same at every repeat, so that a repeat is one. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

export function sizeText(bytes, language) {
  if (bytes === null || bytes === undefined) return "";
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "KB"] : [bytes / 1e6, "MB"];
  const digits = value < 10 ? 1 : 0;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${unit}`;
}

export const timeText = (iso, language) =>
  new Date(iso).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });

export const dayKey = (iso) => new Date(iso).toDateString();

export function dayText(iso, words) {
  const day = new Date(iso);
  const today = new Date();
  const before = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (day.toDateString() === today.toDateString()) return words.t("today");
  if (day.toDateString() === before.toDateString()) return words.t("yesterday");
  const year = day.getFullYear() === today.getFullYear() ? undefined : "numeric";
  const style = { weekday: "long", day: "numeric", month: "long", year };
  return day.toLocaleDateString(words.language, style);
}

/**
 * Nodes that are drawn anew only when what they show has changed. A node that is replaced between
 * press and release of a mouse button loses the click, and one that has the focus loses it.
 */
export class Drawn {
  constructor(parent) {
    this.parent = parent;
    this.known = new Map();
  }

  /** Show `items` of {key, state, make}: `make` gives the node when `state` is new for `key`. */
  show(items) {
    const focus = this.focused();
    const next = new Map();
    for (const { key, state, make } of items) {
      const before = this.known.get(key);
      next.set(key, before?.state === state ? before : { state, node: make() });
    }
    this.known = next;
    const nodes = [...next.values()].map((entry) => entry.node);
    const wanted = new Set(nodes);
    for (const node of [...this.parent.children]) if (!wanted.has(node)) node.remove();
    nodes.forEach((node, index) => {
      const there = this.parent.children[index];
      if (there !== node) this.parent.insertBefore(node, there ?? null);
    });
    if (focus && !focus.element.isConnected) this.refocus(focus);
  }

  /** What has the focus in here, and in which item. */
  focused() {
    const element = document.activeElement;
    const [key] = [...this.known].find(([, entry]) => entry.node.contains(element)) ?? [];
    return key === undefined ? null : { key, element };
  }

  /** An item was made anew: who works by keyboard stays at its same button, or at least at the item. */
  refocus({ key, element }) {
    const node = this.known.get(key)?.node;
    if (!node) return;
    const same = [node, ...node.querySelectorAll("*")].find((one) =>
      element.id ? one.id === element.id : element.dataset.do && one.dataset.do === element.dataset.do);
    if (!same) node.tabIndex = -1;
    (same ?? node).focus({ preventScroll: true });
  }

  clear() {
    this.known.clear();
    this.parent.replaceChildren();
  }
}

/** Keep a scrolled view at its end, when it is there, while content grows or pictures arrive. */
export function stickToEnd(scroll, content) {
  const end = {
    near: true,
    go() {
      scroll.scrollTop = scroll.scrollHeight;
      end.near = true;
    },
  };
  let last = 0;
  scroll.addEventListener("scroll", () => {
    const top = scroll.scrollTop;
    if (scroll.scrollHeight - top - scroll.clientHeight < 100) end.near = true;
    // Only somebody who scrolls up leaves the end; content that grows below does not.
    else if (top < last) end.near = false;
    last = top;
  });
  const watch = new ResizeObserver(() => end.near && end.go());
  watch.observe(content);
  watch.observe(scroll);
  return end;
}

/** Grow a textarea with its text. */
export function fit(area) {
  area.style.height = "auto";
  if (area.scrollHeight === 0) return; // not shown: there is nothing to measure
  area.style.height = `${area.scrollHeight + 2}px`;
}
