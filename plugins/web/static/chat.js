// The chat page: puts log, queue, stream and composer together.

import { byId, el, fit, kept, newId, stickToEnd } from "./dom.js";
import { Log } from "./log.js";
import { Queue } from "./queue.js";
import { Stream } from "./stream.js";
import { Uploads } from "./uploads.js";
import { preferredLanguage, Words } from "./words.js";

const TYPING = 12_000;
const words = new Words("chat");
const page = { title: "Chat", intro: null, speaker: { owner: "bot" }, limit: 10_000, upload: 10_485_760, unread: 0 };
const scroll = byId("scroll");
const field = byId("text");
const end = stickToEnd(scroll, byId("log"));
let typing = null;
let wasLost = false;

const log = new Log({ list: byId("log"), words, onPress: press, onEdit: edit });
const uploads = new Uploads({
  list: byId("chips"),
  url: "chat/files",
  words,
  limit: () => page.upload,
  onChange: () => complain(""),
});
const queue = new Queue({
  language: () => words.language,
  onSent: (item) => log.mark(item.client_id, "sent"),
  onRefused: (item, sentence) => log.mark(item.client_id, "failed", sentence || words.t("unsent")),
});
const stream = new Stream(
  (last) => `chat/events?after=${last}`,
  { message: receive, change: (change) => log.change(change), speaker: showSpeaker },
  showConnection,
);

// --- what comes in

function receive(message) {
  const low = end.near;
  if (!log.confirm(message)) return;
  showIntro();
  if (message.direction === "out") {
    showTyping(false);
    if (document.hidden || !document.hasFocus()) countUnread(page.unread + 1);
  }
  if (low || message.direction === "in") toEnd();
  else byId("newest").hidden = false;
}

function showSpeaker(speaker) {
  page.speaker = speaker;
  const key = speaker.owner === "agent" && !speaker.name ? "speaker_agent_nameless" : `speaker_${speaker.owner}`;
  const text = words.t(key, { name: speaker.name });
  if (byId("speaker-text").textContent !== text) byId("speaker-text").textContent = text;
  byId("speaker").dataset.owner = speaker.owner;
  if (speaker.owner === "agent") showTyping(false);
  log.silent = speaker.owner === "agent";
  log.refresh();
}

function showConnection(open) {
  const banner = byId("connection");
  clearTimeout(banner.timer);
  if (open) {
    if (wasLost) {
      banner.textContent = words.t("connected");
      banner.dataset.state = "open";
      banner.timer = setTimeout(() => (banner.hidden = true), 2500);
    }
    wasLost = false;
    log.markAll("queued", "sending");
    queue.flush();
    return;
  }
  log.markAll("sending", "queued");
  // A short break heals by itself; say it only when it lasts.
  banner.timer = setTimeout(() => {
    wasLost = true;
    banner.textContent = words.t("connecting");
    banner.dataset.state = "lost";
    banner.hidden = false;
  }, wasLost ? 0 : 1200);
}

function showTyping(on) {
  clearTimeout(typing);
  byId("typing").hidden = !on;
  if (on) typing = setTimeout(() => showTyping(false), TYPING);
}

// --- what goes out

function post(text, { payload = null, attachments = [] } = {}) {
  const item = { client_id: newId(), text, payload, attachments, at: new Date().toISOString() };
  log.add(item);
  queue.add(item);
  showIntro();
  if (page.speaker.owner === "bot") showTyping(true);
  toEnd();
}

function press(button) {
  post(button.title, { payload: button.payload });
  field.focus({ preventScroll: true });
}

function edit(message) {
  log.remove(message.client_id);
  field.value = field.value ? `${field.value}\n${message.text}` : message.text;
  fit(field);
  field.focus();
}

function complain(sentence) {
  const line = byId("complaint");
  line.hidden = !sentence;
  line.textContent = sentence;
}

function submit(event) {
  event?.preventDefault();
  const text = field.value.trim();
  if (uploads.busy) return complain(words.t("wait_for_files"));
  if (uploads.failed) return complain(words.t("failed_file"));
  if (text.length > page.limit) return complain(words.t("too_long", { length: text.length, limit: page.limit }));
  if (!text && uploads.sent.length === 0) return field.focus();
  post(text, { attachments: uploads.sent });
  uploads.clear();
  field.value = "";
  fit(field);
  field.focus({ preventScroll: true });
}

// --- the view

function toEnd() {
  byId("newest").hidden = true;
  end.go();
}

function countUnread(count) {
  page.unread = count;
  document.title = count ? words.t("unread", { count, title: page.title }) : page.title;
  if (window.parent !== window) window.parent.postMessage({ schalter: "unread", count }, "*");
}

function showIntro() {
  const intro = byId("intro");
  intro.hidden = !page.intro;
  if (!page.intro) return;
  const ask = (title) => el("button", { type: "button", class: "choice", onclick: () => post(title) }, title);
  const choices = log.empty ? page.intro.buttons.map(ask) : [];
  intro.replaceChildren(
    el("p", {}, page.intro.text),
    el("div", { class: "choices", role: "group", "aria-label": words.t("suggestions") }, choices),
  );
}

async function loadHistory(before = "") {
  const answer = await fetch(`chat/history?before=${before}`, { headers: { "Accept-Language": words.language } });
  if (!answer.ok) throw new Error(String(answer.status));
  const data = await answer.json();
  Object.assign(page, { title: data.title, intro: data.intro, limit: data.text_limit, upload: data.upload_limit });
  log.prepend(data.messages);
  byId("more").hidden = !data.more;
  byId("title").textContent = data.title;
  showSpeaker(data.speaker);
  countUnread(page.unread);
  showIntro();
}

async function loadEarlier() {
  const height = scroll.scrollHeight;
  await loadHistory(log.first);
  scroll.scrollTop += scroll.scrollHeight - height;
}

async function setLanguage(language) {
  await words.load(language);
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  log.redraw();
  showSpeaker(page.speaker);
}

function listen() {
  byId("composer").addEventListener("submit", submit);
  field.addEventListener("input", () => {
    fit(field);
    complain("");
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  field.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) uploads.add(event.clipboardData.files);
  });
  byId("files").addEventListener("change", (event) => {
    uploads.add(event.target.files);
    event.target.value = "";
    field.focus();
  });
  byId("more").addEventListener("click", loadEarlier);
  byId("newest").addEventListener("click", toEnd);
  scroll.addEventListener("scroll", () => end.near && (byId("newest").hidden = true));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    uploads.add(event.dataTransfer.files);
  });
  window.addEventListener("focus", () => countUnread(0));
  for (const button of document.querySelectorAll("[data-language]"))
    button.addEventListener("click", async () => {
      kept.set("language", button.dataset.language);
      await setLanguage(button.dataset.language);
      await loadHistory();
    });
  listenToFrame();
}

/** In a shop's page the chat sits in a frame that the page opens and closes. */
function listenToFrame() {
  if (window.parent === window) return;
  document.body.classList.add("framed");
  const close = () => window.parent.postMessage({ schalter: "close" }, "*");
  byId("close").hidden = false;
  byId("close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.data?.schalter !== "opened") return;
    countUnread(0);
    toEnd();
    field.focus({ preventScroll: true });
  });
}

async function start() {
  listen();
  await setLanguage(preferredLanguage());
  for (const item of queue.items) log.add(item);
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      await loadHistory();
      break;
    } catch {
      showConnection(false);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  log.announce();
  toEnd();
  stream.start(log.last);
  if (window.parent === window && matchMedia("(pointer: fine)").matches) field.focus({ preventScroll: true });
}

start();
