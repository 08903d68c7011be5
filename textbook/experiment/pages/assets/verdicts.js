// The filter of the verdict overview. Without it the page shows every claim.
// The choice is kept in the address (#chapter=ch4&verdict=holds): it can be passed on, and a change of language keeps it.
"use strict";

(() => {
  const form = document.querySelector("[data-filter]");
  if (!form) return;
  const rows = [...document.querySelectorAll("table.verdicts tbody tr")];
  const shown = document.querySelector("[data-shown]");
  const fields = [...form.elements].filter((field) => field.name);
  const list = (text) => text.split(" ");
  const fits = {
    chapter: (row, value) => row.dataset.chapter === value,
    verdict: (row, value) => row.dataset.verdict === value,
    flag: (row, value) => list(row.dataset.flag).includes(value),
    mark: (row, value) => list(row.dataset.mark).includes(value),
    text: (row, value) => value.toLowerCase().split(/\s+/).every((word) => row.dataset.text.includes(word)),
  };

  function chosen() {
    return fields.map((field) => [field.name, field.value.trim()]).filter(([, value]) => value);
  }

  function filter() {
    const choices = chosen();
    let count = 0;
    for (const row of rows) {
      row.hidden = !choices.every(([name, value]) => fits[name](row, value));
      count += !row.hidden;
    }
    shown.textContent = count
      ? shown.dataset.shown.replace("{shown}", count).replace("{all}", rows.length)
      : shown.dataset.none;
  }

  function remember() {
    const choice = new URLSearchParams(chosen()).toString();
    history.replaceState(null, "", choice ? `#${choice}` : location.pathname);
  }

  function recall() {
    const choice = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) {
      field.value = choice.get(field.name) || "";
      // an option that this page does not have
      if (field.selectedIndex === -1) field.selectedIndex = 0;
    }
    filter();
  }

  for (const moment of ["input", "change"]) form.addEventListener(moment, () => { filter(); remember(); });
  form.addEventListener("reset", () => setTimeout(() => { filter(); remember(); }));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", recall);
  form.hidden = false;
  recall();
})();
