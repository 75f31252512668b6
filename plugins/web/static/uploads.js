// Files on their way: chips in a composer, each with its progress, its error and a way out.

import { el, icon, sizeText } from "./dom.js";

function send(url, file, language, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open("POST", url);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.setRequestHeader("Accept-Language", language);
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(event.total, 1));
    request.onerror = () => reject(new Error(""));
    request.onabort = () => reject(new Error(""));
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // a proxy's own page: the status says enough
      }
      if (request.status === 200) resolve(answer);
      else reject(new Error(answer.message ?? ""));
    };
    request.send(file);
  });
  return { done, abort: () => request.abort() };
}

export class Uploads {
  constructor({ list, url, words, limit, onChange }) {
    Object.assign(this, { list, url, words, limit, onChange });
    this.items = [];
  }

  get busy() {
    return this.items.some((item) => !item.sent && !item.failed);
  }

  get sent() {
    return this.items.filter((item) => item.sent).map((item) => item.sent);
  }

  get failed() {
    return this.items.some((item) => item.failed);
  }

  add(files) {
    for (const file of files) this.start(file);
  }

  clear() {
    this.items = [];
    this.list.replaceChildren();
    this.onChange();
  }

  /** The files so far; the list is empty for the next ones. */
  take() {
    const taken = this.items;
    this.clear();
    return taken;
  }

  giveBack(taken) {
    this.items = [...taken, ...this.items];
    this.list.prepend(...taken.map((item) => item.node));
    this.onChange();
  }

  start(file) {
    const item = { file, sent: null, failed: null, node: el("li", { class: "chip" }) };
    this.items.push(item);
    this.list.append(item.node);
    if (file.size > this.limit()) {
      item.failed = this.words.t("file_too_big", { limit: Math.floor(this.limit() / 1048576) });
      this.draw(item);
      return;
    }
    this.draw(item);
    const bar = item.node.querySelector("progress");
    const way = send(this.url, file, this.words.language, (share) => (bar.value = share));
    item.abort = way.abort;
    way.done.then(
      (answer) => (item.sent = answer),
      (error) => (item.failed = error.message || this.words.t("file_failed")),
    ).finally(() => this.draw(item));
  }

  remove(item) {
    item.abort?.();
    this.items = this.items.filter((other) => other !== item);
    item.node.remove();
    this.onChange();
  }

  draw(item) {
    const { file, failed, sent } = item;
    const detail = failed
      ? el("span", { class: "chip-error", role: "alert" }, failed)
      : sent
        ? el("span", { class: "chip-size" }, sizeText(file.size, this.words.language))
        : el("progress", { max: 1, value: 0, "aria-label": this.words.t("uploading") });
    const remove = el(
      "button",
      {
        type: "button",
        class: "plain",
        "aria-label": this.words.t("remove_file", { name: file.name }),
        onclick: () => this.remove(item),
      },
      icon("close"),
    );
    const label = el("span", { class: "chip-name" }, file.name);
    item.node.classList.toggle("failed", Boolean(failed));
    item.node.replaceChildren(icon(failed ? "warn" : "file"), el("span", { class: "chip-text" }, label, detail), remove);
    this.onChange();
  }
}

/** How a file of a message looks: a picture, or a chip to download. */
export function shownFile(file, base, words) {
  if (file.error || !file.file) {
    const text = words.t("file_lost", { name: file.name });
    return el("span", { class: "download lost" }, icon("warn"), el("span", {}, text));
  }
  const url = `${base}/${file.file}`;
  if (/^image\/(png|jpeg|gif|webp)$/.test(file.content_type)) {
    const picture = el("img", { src: url, alt: file.name, loading: "lazy" });
    return el("a", { class: "picture", href: url, target: "_blank", rel: "noopener" }, picture);
  }
  const size = sizeText(file.size, words.language);
  const detail = [kindText(file.content_type), size].filter(Boolean).join(" · ");
  return el(
    "a",
    { class: "download", href: url, download: file.name },
    icon("download"),
    el("span", {}, el("span", { class: "file-name" }, file.name), el("span", { class: "file-kind" }, detail)),
  );
}

function kindText(type) {
  const names = { "application/pdf": "PDF", "text/plain": "Text" };
  return names[type] ?? (type ?? "").split("/").pop().toUpperCase();
}
