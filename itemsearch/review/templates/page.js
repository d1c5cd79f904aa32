// One script for the report and the application: filters, keys, help. Both can be read without it.
"use strict";
{
  const cards = [...document.querySelectorAll(".card")];
  const help = document.querySelector("#help");

  const filters = document.querySelector("form[data-filter]");
  if (filters) {
    const facets = new Map(cards.map((card) => [card, JSON.parse(card.dataset.facets)]));
    const count = filters.querySelector("output");
    const groups = cards.filter((card) => facets.get(card).tier);
    const filter = () => {
      const wanted = [...new FormData(filters)].filter(([, value]) => value !== "");
      for (const card of cards) {
        const own = facets.get(card);
        card.hidden = !wanted.every(([name, value]) => !own[name] || own[name].includes(value.slice(1)));
      }
      const shown = groups.filter((card) => !card.hidden).length;
      count.textContent = `${shown.toLocaleString("en")} of ${groups.length.toLocaleString("en")} groups`;
    };
    const order = filters.querySelector("[name=order]");
    const sort = () => {
      const ranks = new Map(groups.map((card) => [card, JSON.parse(card.dataset.ranks)[order.value]]));
      groups.sort((one, other) => ranks.get(one) - ranks.get(other));
      groups[0]?.parentNode.append(...groups);
      cards.splice(0, groups.length, ...groups);
    };
    order.addEventListener("change", sort);
    filters.addEventListener("reset", () => setTimeout(sort));
    filters.addEventListener("change", filter);
    filters.addEventListener("reset", () => setTimeout(filter));
    filter();
  }
  for (const select of document.querySelectorAll("form[data-submit] select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }

  const focused = () => document.activeElement?.closest(".card");
  const walk = (step) => {
    const here = cards.indexOf(focused());
    let place = here < 0 && step < 0 ? cards.length - 1 : here + step;
    while (cards[place]?.hidden) place += step;
    cards[place]?.focus({ preventScroll: true });
    cards[place]?.scrollIntoView({ block: "start" });
  };
  const press = (key) => focused()?.querySelector(`[data-key="${key}"]`)?.click();
  const listing = () => document.activeElement?.closest("figure");
  const choose = (number) => focused()?.querySelectorAll("figure[tabindex]")[number - 1]?.focus();
  const digits = Object.fromEntries([..."123456789"].map((digit) => [digit, () => choose(Number(digit))]));
  const keys = {
    ...digits,
    j: () => walk(1), ArrowDown: () => walk(1), ArrowRight: () => walk(1),
    k: () => (listing() ? listing().querySelector('[data-key="k"]')?.click() : walk(-1)),
    ArrowUp: () => walk(-1), ArrowLeft: () => walk(-1),
    c: () => press("c"), x: () => press("x"), o: () => press("o"),
    u: () => document.querySelector(".notice[role=status] button")?.click(),
    "/": () => document.querySelector(".filters select, main input")?.focus(),
    "?": () => help?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.querySelector("#keys")?.addEventListener("click", () => help.showModal());
  if (location.hash.startsWith("#card-")) document.getElementById(location.hash.slice(1))?.focus();
}
