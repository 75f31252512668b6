// The demo's mailbox: the mails that would have gone out, newest first, as they come.

import { byId, dayText, Drawn, el, kept, linked, timeText, whole } from "../web/dom.js";
import { Stream } from "../web/stream.js";
import { preferredLanguage, Words } from "../web/words.js";

const words = new Words("mailbox", "mailbox/words");
const list = new Drawn(byId("list"));
let mails = null;
let opened = 0; // the newest one when the page was opened: what is newer is marked

/** A text with its codes marked: six digits that stand alone, which those of an order number do not. */
function marked(text) {
  return text.split(/(?<![\w-])(\d{6})(?![\w-])/).flatMap((part, index) =>
    index % 2 === 1 ? [el("strong", { class: "code" }, part)] : linked(part));
}

function drawn(mail) {
  const when = el("time", { datetime: mail.at }, `${dayText(mail.at, words)}, ${timeText(mail.at, words.language)}`);
  return el("li", { class: mail.id > opened ? "mail new" : "mail" },
    el("div", { class: "mail-head" }, el("h2", {}, whole(mail.subject)), when),
    el("p", { class: "to" }, words.t("to", { to: mail.to })),
    el("p", { class: "text" }, marked(mail.text)));
}

function draw() {
  if (mails === null) return;
  list.show(mails.map((mail) => ({
    key: mail.id,
    state: `${words.language} ${new Date().toDateString()}`,
    make: () => drawn(mail),
  })));
  byId("none").hidden = mails.length > 0;
  document.title = words.t("title");
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === words.language));
}

async function load() {
  const answer = await fetch("mailbox/mails", { headers: { "Accept-Language": words.language } });
  const data = await answer.json();
  if (!answer.ok) return tell(data.message);
  opened = mails === null ? (data.mails[0]?.id ?? 0) : opened;
  mails = data.mails;
  draw();
}

function tell(text) {
  byId("connection").textContent = text;
  byId("connection").hidden = !text;
}

async function setLanguage(language) {
  await words.load(language);
  draw();
}

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => {
    kept.set("language", button.dataset.language);
    setLanguage(button.dataset.language);
  });
await setLanguage(preferredLanguage());
const stream = new Stream(() => "mailbox/events", { mails: load }, (there) => tell(there ? "" : words.t("offline")));
stream.start();
