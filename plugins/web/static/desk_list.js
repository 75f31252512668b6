// The list of cases: who waits, for how long, for what, and who looks after it.

import { Drawn, el, icon } from "./dom.js";

const SIGNS = { web: "globe", mail: "mail", console: "keys" };

/** A span of time in one short word. */
export function spanText(from, to, words) {
  const minutes = Math.floor((new Date(to) - new Date(from)) / 60_000);
  if (minutes < 1) return words.t("now");
  if (minutes < 60) return words.t("minute", { n: minutes });
  if (minutes < 48 * 60) return words.t("hour", { n: Math.floor(minutes / 60) });
  return words.t("day", { n: Math.floor(minutes / 1440) });
}

export function caseName(item, words) {
  return item.customer || words.t("customer_number", { id: item.id });
}

export function stateText(item, me, words) {
  if (item.state === "closed") return words.t("closed");
  if (!item.agent) return words.t("waiting");
  return item.agent === me ? words.t("taken_me") : words.t("taken", { agent: item.agent_name });
}

/** Since when the customer waits for a person's answer; null: they have one. */
export function waitsSince(item) {
  return item.state === "closed" ? null : item.waits_since;
}

/** Whether somebody writes by an address that nobody vouches for. */
export function isUnproven(item) {
  return item.state !== "closed" && item.sender?.proven === false;
}

export function snoozedText(item, words) {
  const at = new Date(item.snoozed_until);
  const style = { weekday: "short", hour: "2-digit", minute: "2-digit" };
  return words.t("snoozed", { at: at.toLocaleString(words.language, style) });
}

export class CaseList {
  constructor({ list, empty, words, me, onChoose }) {
    Object.assign(this, { list, empty, words, me, onChoose });
    this.open = [];
    this.closed = [];
    this.filter = "open";
    this.chosen = null;
    this.seen = new Map();
    this.drawn = new Drawn(list);
  }

  get shown() {
    if (this.filter === "closed") return this.closed;
    if (this.filter === "mine") return this.open.filter((item) => item.agent === this.me());
    return this.open;
  }

  find(id) {
    return [...this.open, ...this.closed].find((item) => item.id === id);
  }

  /** The case before or after the chosen one. */
  step(direction) {
    const items = this.shown;
    const at = items.findIndex((item) => item.id === this.chosen);
    const next = at < 0 ? (direction > 0 ? 0 : items.length - 1) : at + direction;
    return items[Math.max(0, Math.min(items.length - 1, next))];
  }

  look(item) {
    this.seen.set(item.id, item.updated);
  }

  draw() {
    this.drawn.show(
      this.shown.map((item) => ({
        key: item.id,
        state: this.state(item),
        make: () => el("li", {}, this.row(item)),
      })),
    );
    this.empty.hidden = this.shown.length > 0;
    this.empty.replaceChildren(
      icon("tray"),
      el("strong", {}, this.words.t(`none_${this.filter}`)),
      el("p", {}, this.words.t(`none_${this.filter}_text`)),
    );
  }

  /** All that a row shows, in one text: it changes when the row does. */
  state(item) {
    const span = spanText(this.since(item), Date.now(), this.words);
    const { id, customer, reason_text, priority, state, agent_name, channel, language, snoozed_until, sender } = item;
    const shown = [customer, reason_text, priority, state, agent_name, channel, language, span, snoozed_until, sender];
    return JSON.stringify([shown, id === this.chosen, this.isFresh(item), this.isLate(item), this.me(), this.words.language]);
  }

  since(item) {
    return waitsSince(item) ?? item.closed_at ?? item.opened_at;
  }

  isFresh(item) {
    return item.id !== this.chosen && item.state !== "closed" && this.seen.get(item.id) !== item.updated;
  }

  row(item) {
    const { words } = this;
    const chosen = item.id === this.chosen;
    const fresh = this.isFresh(item);
    const since = this.since(item);
    const marks = [
      item.priority === "high" ? el("span", { class: "tag urgent" }, words.t("high")) : null,
      item.priority === "low" ? el("span", { class: "tag" }, words.t("low")) : null,
      item.snoozed_until ? el("span", { class: "tag" }, snoozedText(item, words)) : null,
      isUnproven(item) ? el("span", { class: "tag unproven" }, icon("warn"), words.t("unproven")) : null,
      el("span", { class: `tag ${item.state}` }, stateText(item, this.me(), words)),
      el("span", { class: "where" }, icon(SIGNS[item.channel] ?? "chat"), this.channel(item), " · ", item.language.toUpperCase()),
    ];
    return el(
      "button",
      {
        type: "button",
        class: `case ${item.state}${item.snoozed_until ? " later" : ""}${chosen ? " chosen" : ""}${fresh ? " fresh" : ""}`,
        "data-case": item.id,
        "aria-current": chosen ? "true" : null,
        onclick: () => this.onChoose(item.id),
      },
      el("span", { class: "case-top" },
        fresh ? el("span", { class: "new", role: "img", "aria-label": words.t("new") }) : null,
        el("strong", {}, caseName(item, words)),
        el("time", { datetime: since, class: this.isLate(item) ? "late" : null }, spanText(since, Date.now(), words))),
      item.sender?.subject ? el("span", { class: "case-subject", dir: "auto" }, item.sender.subject) : null,
      el("span", { class: "case-reason" }, item.reason_text),
      el("span", { class: "case-marks" }, marks),
    );
  }

  channel(item) {
    const key = `channel_${item.channel}`;
    return this.words.has(key) ? this.words.t(key) : item.channel;
  }

  isLate(item) {
    return Boolean(item.due_at) && !item.snoozed_until && Date.now() > new Date(item.due_at);
  }
}
