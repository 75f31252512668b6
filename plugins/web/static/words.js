// The pages' own words, in German and English.

import { kept } from "./dom.js";

const LANGUAGES = ["de", "en"];

export function preferredLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, kept.get("language"), ...(navigator.languages ?? [])];
  for (const code of wanted) {
    const short = (code ?? "").slice(0, 2).toLowerCase();
    if (LANGUAGES.includes(short)) return short;
  }
  return "en";
}

export class Words {
  /** `folder` is where the words of a page lie; other plugins' pages have their own. */
  constructor(page, folder = "web/words") {
    this.page = page;
    this.folder = folder;
    this.language = "en";
    this.table = {};
  }

  async load(language) {
    const answer = await fetch(`${this.folder}/${this.page}.${language}.json`);
    this.table = await answer.json();
    this.language = language;
    document.documentElement.lang = language;
    this.apply(document);
  }

  has(key) {
    return key in this.table;
  }

  t(key, values = {}) {
    const text = this.table[key] ?? key;
    return text.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  /** Fill what the page's HTML marks: data-t for the text, data-t-NAME for an attribute. */
  apply(root) {
    for (const node of root.querySelectorAll("[data-t]")) node.textContent = this.t(node.dataset.t);
    for (const name of ["label", "title", "placeholder"]) {
      const attribute = name === "label" ? "aria-label" : name;
      for (const node of root.querySelectorAll(`[data-t-${name}]`))
        node.setAttribute(attribute, this.t(node.getAttribute(`data-t-${name}`)));
    }
  }
}
