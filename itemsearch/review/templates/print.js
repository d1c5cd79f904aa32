// On paper go the first 100 of the groups that are shown, unless all are asked for.
"use strict";
{
  const FIRST = 100;
  let most = FIRST;
  document.documentElement.classList.add("scripted");
  addEventListener("beforeprint", () => {
    const shown = [...document.querySelectorAll(".cards")][0]?.querySelectorAll(".card:not([hidden])") ?? [];
    const limit = document.querySelector("[data-print='']") ? Infinity : most;
    [...shown].forEach((card, place) => card.classList.toggle("unprinted", place >= limit));
  });
  addEventListener("afterprint", () => {
    for (const card of document.querySelectorAll(".unprinted")) card.classList.remove("unprinted");
  });
  for (const button of document.querySelectorAll("[data-print]")) {
    button.addEventListener("click", async () => {
      most = button.dataset.print === "all" ? Infinity : FIRST;
      for (const image of document.images) image.loading = "eager";
      await Promise.allSettled([...document.images].map((image) => image.decode()));
      print();
      most = FIRST;
    });
  }
}
