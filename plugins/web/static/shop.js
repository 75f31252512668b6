// The front of a shop that does not exist, for the demo.

import { byId, el, kept } from "./dom.js";
import { Stream } from "./stream.js";
import { preferredLanguage, Words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const GOODS = [
  ["jacket", 89.9],
  ["backpack", 74.5],
  ["teapot", 49.9],
  ["grinder", 79],
  ["blanket", 69],
  ["lamp", 39.95],
];
const ORDERS = [
  ["B-100234", "50674", "shipped"],
  ["B-100235", "20095", "open"],
  ["B-100237", "70173", "delivered"],
  ["B-100241", "24105", "split"],
];
const words = new Words("shop");

function picture(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `web/goods.svg#${name}`);
  svg.append(use);
  return svg;
}

function draw() {
  const money = new Intl.NumberFormat(words.language, { style: "currency", currency: "EUR" });
  byId("goods").replaceChildren(
    ...GOODS.map(([name, price]) =>
      el("li", { class: `good ${name}` },
        el("div", { class: "picture-box" }, picture(name)),
        el("h3", {}, words.t(name)),
        el("p", {}, words.t(`${name}_text`)),
        el("p", { class: "price" }, money.format(price))),
    ),
  );
  byId("orders").replaceChildren(
    ...ORDERS.map(([number, code, state]) =>
      el("li", {}, el("strong", {}, number), el("span", {}, `${words.t("postcode")} ${code}`), el("em", {}, words.t(state)))),
  );
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === words.language));
}

async function setLanguage(language) {
  await words.load(language);
  draw();
}

/** Lead to the demo's mail, where it is shown, and say when some came. */
async function leadToMail() {
  const { mail } = await (await fetch("demo/places")).json();
  if (!mail) return;
  const links = [...document.querySelectorAll(".to-mail")];
  const came = byId("came").firstElementChild;
  for (const link of links) link.href = mail;
  for (const node of [...links, document.querySelector(".about-mail")]) node.hidden = node === came;
  came.addEventListener("click", () => (came.hidden = true));
  let known = null;
  new Stream(() => `${mail}/events`, {
    mails: ({ newest }) => {
      if (known !== null && newest > known) came.hidden = false;
      known = newest;
    },
  }, () => {}).start();
}

for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => {
    kept.set("language", button.dataset.language);
    setLanguage(button.dataset.language);
  });
setLanguage(preferredLanguage());
leadToMail();
