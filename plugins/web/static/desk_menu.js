// What can be done with a case besides answering: priority, later, colleagues, language.

import { ask } from "./ask.js";
import { caseName } from "./desk_list.js";
import { byId, el, icon } from "./dom.js";

const HOUR = 3_600_000;
const EARLIEST = 6; // nobody begins with what was put off at midnight, also where it is never closed

/** A menu that opens below its button, and closes by a choice, Escape, or a click elsewhere. */
export class CaseMenu {
  /**
   * `command(kind, more)` gives a command and throws with the reason when it is refused;
   * `opens(after)` tells when people are there; `others()` are cases that may be the same person's.
   */
  constructor({ words, me, command, colleagues, others, opens, done }) {
    Object.assign(this, { words, me, command, colleagues, others, opens, done });
    this.item = null;
    document.addEventListener("click", (event) => {
      if (this.node?.open && !this.node.contains(event.target)) this.close();
    });
  }

  /** The menu of a case, or nothing where nothing can be done. */
  entry(item) {
    this.item = item;
    if (item.state === "closed") return [];
    const state = JSON.stringify([item.priority, item.snoozed_until, item.agent, item.language, this.me(), this.words.language, this.others().length > 0]);
    return [{ key: "menu", state, make: () => this.make() }];
  }

  make() {
    const { words } = this;
    const choices = this.choices().map(([name, act]) =>
      el("button", { type: "button", id: `do-${name}`, onclick: () => this.choose(act) }, words.t(name)));
    const label = words.t("more");
    const button = el("summary", { class: "secondary", id: "do-more", title: label, "aria-label": label }, icon("more"));
    this.node = el("details", { class: "menu" }, button, el("div", { class: "menu-list" }, choices));
    this.node.addEventListener("keydown", (event) => this.onKey(event));
    return this.node;
  }

  choices() {
    const { item } = this;
    const mine = item.agent === this.me();
    const free = mine || !item.agent;
    return [
      ["priority", () => this.askPriority()],
      free && item.snoozed_until && ["wake", () => this.does("snooze", { until: null })],
      free && !item.snoozed_until && ["snooze", () => this.done(() => this.askSnooze())],
      free && ["assign", () => this.askAssign()],
      mine && ["release", () => this.askRelease()],
      free && ["set_language", () => this.askLanguage()],
      this.others().length && ["link_case", () => this.askLink()],
    ].filter(Boolean);
  }

  toggle() {
    if (!this.node?.isConnected) return;
    this.node.open = !this.node.open;
    if (this.node.open) this.node.querySelector("button").focus();
  }

  close() {
    this.node.open = false;
  }

  onKey(event) {
    if (!this.node.open) return;
    const buttons = [...this.node.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) buttons.at((at + step) % buttons.length).focus();
    else if (event.key === "Escape") {
      this.close();
      byId("do-more").focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  choose(act) {
    this.close();
    byId("do-more").focus(); // a dialog gives the focus back to who had it
    act();
  }

  async does(kind, more) {
    await this.done(() => this.command(kind, more));
  }

  async question(name, fields, yes, send) {
    const { words } = this;
    const text = words.has(`ask_${name}_text`) ? words.t(`ask_${name}_text`) : "";
    await ask({ title: words.t(`ask_${name}_title`), text, fields, yes: words.t(yes), no: words.t("cancel"), send });
    await this.done(() => {});
  }

  askPriority() {
    const options = ["high", "normal", "low"].map((value) => [value, this.words.t(`priority_${value}`)]);
    const fields = [{ name: "priority", label: this.words.t("priority"), options, value: this.item.priority }];
    return this.question("priority", fields, "save", (values) => this.command("prioritise", values));
  }

  async askSnooze() {
    const times = await this.times();
    const options = times.map(([name, at]) => [at.toISOString(), `${this.words.t(name)} (${this.when(at)})`]);
    const fields = [{ name: "until", label: this.words.t("until"), options }];
    return this.question("snooze", fields, "snooze", (values) => this.command("snooze", values));
  }

  askAssign() {
    const fields = [{ name: "to", label: this.words.t("colleague"), required: true, list: this.colleagues() }];
    return this.question("assign", fields, "assign", (values) => this.command("assign", values));
  }

  askRelease() {
    return this.question("release", [], "release", () => this.command("release"));
  }

  askLanguage() {
    const options = ["de", "en"].map((value) => [value, this.words.t(`language_${value}`)]);
    const fields = [{ name: "language", label: this.words.t("language_label"), options, value: this.item.language }];
    return this.question("language", fields, "save", (values) => this.command("language", values));
  }

  askLink() {
    const options = this.others().map((item) => [String(item.conversation), `${caseName(item, this.words)} · ${this.channel(item)} · ${item.id}`]);
    const fields = [{ name: "other", label: this.words.t("other_case"), options }];
    return this.question("link", fields, "link", ({ other }) => this.command("link", { other: Number(other) }));
  }

  channel(item) {
    const key = `channel_${item.channel}`;
    return this.words.has(key) ? this.words.t(key) : item.channel;
  }

  /** When a case may come back: later today, or when people are there again. */
  async times() {
    const day = (days) => {
      const at = new Date();
      at.setDate(at.getDate() + days);
      at.setHours(EARLIEST, 0, 0, 0);
      return at;
    };
    const monday = (8 - new Date().getDay()) % 7 || 7;
    const hours = (count) => new Date(Date.now() + count * HOUR);
    const [workday, week] = await Promise.all([this.opens(day(1)), this.opens(day(monday))]);
    const later = [["in_1_hour", hours(1)], ["in_4_hours", hours(4)], ["next_workday", workday]];
    return week > workday ? [...later, ["next_week", week]] : later;
  }

  when(at) {
    return at.toLocaleString(this.words.language, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  }
}
