// Where an agent writes: an answer or an internal note, never both by accident.

import { byId, el, fit } from "./dom.js";
import { Uploads } from "./uploads.js";

export class Composer {
  /** `onSend(kind, more, id)` gives the command for a case and throws with the reason when it is refused. */
  constructor({ words, me, onSend, onTake }) {
    Object.assign(this, { words, me, onSend, onTake });
    this.item = null;
    this.mode = "line";
    this.drafts = new Map();
    this.sending = false;
    this.next = null; // what is to be sent as soon as the last one was taken
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

  /** What is sent leaves the field at once: the agent goes on writing, maybe in another case. */
  async send() {
    if (this.uploads.busy) return this.complain(this.words.t("wait_for_files"));
    if (this.uploads.failed) return this.complain(this.words.t("failed_file"));
    if (this.sending) {
      this.next = this.key;
      return;
    }
    const text = this.field.value.trim();
    const attachments = this.uploads.sent.map((file) => file.file);
    if (!text && !attachments.length) return;
    const letter = { key: this.key, text, uploads: this.uploads.take() };
    this.sending = true;
    this.next = null;
    this.field.value = "";
    this.drafts.delete(this.key);
    this.complain("");
    fit(this.field);
    this.field.focus();
    try {
      await this.onSend(this.mode, { text, attachments }, this.item.id);
    } catch (error) {
      this.next = null;
      this.giveBack(letter);
      this.complain(error.message);
    }
    this.sending = false;
    if (this.next === this.key) this.send();
  }

  /** Nothing written is lost: it stands before what was written since. */
  giveBack({ key, text, uploads }) {
    if (key === this.key) {
      this.field.value = [text, this.field.value].filter(Boolean).join("\n");
      this.uploads.giveBack(uploads);
      fit(this.field);
    } else {
      this.drafts.set(key, [text, this.drafts.get(key)].filter(Boolean).join("\n"));
    }
  }

  complain(sentence) {
    const failure = byId("failure");
    failure.textContent = sentence;
    failure.hidden = !sentence;
  }
}
