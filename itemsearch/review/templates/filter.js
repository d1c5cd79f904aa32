// The filters and the orders of the report.
"use strict";
{
  const filters = document.querySelector("form[data-filter]");
  const cards = [...document.querySelectorAll(".card")];
  const facets = new Map(cards.map((card) => [card, JSON.parse(card.dataset.facets)]));
  const groups = cards.filter((card) => facets.get(card).tier);
  const count = filters.querySelector("output");
  const order = filters.querySelector("[name=order]");
  const filter = () => {
    const wanted = [...new FormData(filters)].filter(([, value]) => value !== "");
    for (const card of cards) {
      const own = facets.get(card);
      card.hidden = !wanted.every(([name, value]) => !own[name] || own[name].includes(value.slice(1)));
    }
    const shown = groups.filter((card) => !card.hidden).length;
    count.textContent = `${shown.toLocaleString("en")} of ${groups.length.toLocaleString("en")} groups`;
  };
  const sort = () => {
    const ranks = new Map(groups.map((card) => [card, JSON.parse(card.dataset.ranks)[order.value]]));
    groups.sort((one, other) => ranks.get(one) - ranks.get(other));
    groups[0]?.parentNode.append(...groups);
  };
  order.addEventListener("change", sort);
  filters.addEventListener("change", filter);
  filters.addEventListener("reset", () => setTimeout(() => { sort(); filter(); }));
  filter();
}
