// Where an agent writes: an answer or an internal note, never both by accident.

import { byId, el, fit } from "./dom.js";
import { Uploads } from "./uploads.js";

export class Composer {
  /** `onSend(kind, more)` gives the command and throws with the reason when it is refused. */
  constructor({ words, me, onSend, onTake }) {
    Object.assign(this, { words, me, onSend, onTake });
    this.item = null;
    this.mode = "line";
    this.drafts = new Map();
    this.busy = false;
    this.field = byId("text");
    this.uploads = new Uploads({ list: byId("chips"), url: "desk/api/files", words, limit: () => 10 * 1024 * 1024, onChange: () => {} });
    this.listen();
  }

  listen() {
    byId("answer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("input", () => fit(this.field));
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) this.uploads.add(event.clipboardData.files);
    });
    byId("files").addEventListener("change", (event) => {
      this.uploads.add(event.target.files);
      event.target.value = "";
    });
    for (const button of document.querySelectorAll("[data-mode]"))
      button.addEventListener("click", () => this.focus(button.dataset.mode));
  }

  get key() {
    return `${this.item?.id} ${this.mode}`;
  }

  get mayAnswer() {
    return this.item?.state === "taken" && this.item.agent === this.me();
  }

  /** Remember what is half written, for the case and the mode it belongs to. */
  keep() {
    if (this.item) this.drafts.set(this.key, this.field.value);
  }

  show(item) {
    if (this.item?.id !== item.id) {
      this.item = item;
      this.mode = this.mayAnswer || item.state !== "closed" ? "line" : "note";
      this.uploads.clear();
      this.restore();
    }
    this.item = item;
    this.relabel();
  }

  restore() {
    this.field.value = this.drafts.get(this.key) ?? "";
    fit(this.field);
  }

  focus(mode) {
    if (mode !== this.mode) {
      this.keep();
      this.mode = mode;
      this.restore();
    }
    this.relabel();
    if (!byId("writing").hidden) this.field.focus();
  }

  relabel() {
    const { words, mode } = this;
    const form = byId("answer");
    form.dataset.mode = mode;
    for (const button of form.querySelectorAll("[data-mode]"))
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    byId("mode-hint").textContent = mode === "note" ? words.t("hint_note") : "";
    byId("send").textContent = words.t(`send_${mode}`);
    this.field.placeholder = words.t(`write_${mode}`);
    this.field.setAttribute("aria-label", words.t(`write_${mode}`));
    const locked = mode === "line" && !this.mayAnswer;
    byId("writing").hidden = locked;
    byId("locked").hidden = !locked;
    fit(this.field);
    if (locked && this.item) this.lock();
  }

  lock() {
    const { words, item } = this;
    const state = JSON.stringify([item.id, item.state, item.agent, words.language]);
    if (this.locked === state) return; // a button that is replaced while it is pressed does nothing
    this.locked = state;
    const closed = item.state === "closed";
    const text = closed
      ? words.t("locked_closed")
      : item.agent
        ? words.t("locked_other", { agent: item.agent_name })
        : words.t("locked_free");
    byId("locked").replaceChildren(el("p", {}, text));
    if (closed) return;
    const name = item.agent ? "take_from" : "take_over";
    byId("locked").append(el("button", { type: "button", class: item.agent ? "secondary" : "primary", onclick: this.onTake }, words.t(name)));
  }

  async send() {
    const failure = byId("failure");
    const say = (text) => {
      failure.textContent = text;
      failure.hidden = !text;
    };
    const text = this.field.value.trim();
    if (this.uploads.busy) return say(this.words.t("wait_for_files"));
    if (this.uploads.failed) return say(this.words.t("failed_file"));
    const attachments = this.uploads.sent.map((file) => file.file);
    if (this.busy || (!text && !attachments.length)) return;
    this.busy = true;
    byId("send").disabled = true;
    say("");
    try {
      await this.onSend(this.mode, { text, attachments });
      this.field.value = "";
      this.drafts.delete(this.key);
      this.uploads.clear();
      fit(this.field);
    } catch (error) {
      say(error.message);
    } finally {
      this.busy = false;
      byId("send").disabled = false;
      this.field.focus();
    }
  }
}
