// Niceties: every page reads without them, and nothing is remembered.
"use strict";

// All answers at once
for (const tools of document.querySelectorAll("[data-tools]")) {
  const button = tools.querySelector("button");
  const answers = document.querySelectorAll("details.answer");
  const words = [button.textContent, button.dataset.closeWord];
  let open = false;
  button.addEventListener("click", () => {
    open = !open;
    for (const answer of answers) answer.open = open;
    button.textContent = words[Number(open)];
  });
  tools.hidden = answers.length === 0;
}

// Who comes to a claim by a link wants its answer
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches(".claim")) target.querySelector("details.answer").open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

// The list of sections starts folded where it would push the text away
const narrow = matchMedia("(max-width: 63.99rem)");
for (const list of document.querySelectorAll("[data-folds]")) {
  const fold = () => { list.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
}

// The list of sections marks the one in view
const entries = new Map();
for (const link of document.querySelectorAll("nav.sections a")) entries.set(link.getAttribute("href").slice(1), link);
const seen = new Set();
const watch = new IntersectionObserver((changes) => {
  for (const change of changes) change.isIntersecting ? seen.add(change.target) : seen.delete(change.target);
  const [first] = [...seen].sort((a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
  for (const [id, link] of entries) {
    if (first && id === first.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}, { rootMargin: "-10% 0px -60% 0px" });
for (const section of document.querySelectorAll("section.section")) watch.observe(section);

// The other language opens at the same place: the section in view, or whatever the address names
function place() {
  let here = "";
  for (const section of document.querySelectorAll("section.section")) {
    if (section.getBoundingClientRect().top < innerHeight / 2) here = `#${section.id}`;
  }
  return here || (document.querySelector("section.section") ? "" : location.hash);
}
for (const link of document.querySelectorAll("[data-switch]")) {
  const page = link.getAttribute("href");
  const follow = () => link.setAttribute("href", page + place());
  for (const moment of ["pointerdown", "focus", "click"]) link.addEventListener(moment, follow);
}

// A figure as large as the window
let dialog = null;
function enlarge(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return;
  event.preventDefault();
  const image = event.currentTarget.querySelector("img");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.className = "figure";
    dialog.addEventListener("click", () => dialog.close());
    document.body.append(dialog);
  }
  const large = document.createElement("img");
  large.src = event.currentTarget.href;
  large.alt = image.alt;
  if (image.lang) large.lang = image.lang;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", document.body.dataset.close);
  dialog.replaceChildren(close, large);
  dialog.setAttribute("aria-label", image.alt);
  dialog.showModal();
}
for (const figure of document.querySelectorAll("a[data-zoom]")) figure.addEventListener("click", enlarge);

// On paper every answer is open
const opened = [];
addEventListener("beforeprint", () => {
  for (const answer of document.querySelectorAll("details:not([open]):not(.film):not(:has(pre.source))")) {
    answer.open = true;
    opened.push(answer);
  }
});
addEventListener("afterprint", () => {
  for (const answer of opened.splice(0)) answer.open = false;
});
