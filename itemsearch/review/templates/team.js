// What the application needs beside its keys: pages that show the present, forms sent once, the focus after a step.
"use strict";
{
  // Back and forward ask the server again, and the address of a page says nothing of what was done last.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  const address = new URL(location.href);
  if (address.searchParams.has("did")) {
    address.searchParams.delete("did");
    history.replaceState(history.state, "", address);
  }

  for (const select of document.querySelectorAll("form[data-submit] select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault(); // a second click is no second decision
    form.dataset.sent = "yes";
  });

  // An undo comes back to the card from which it was made, or to that of the group which it brings back.
  const undo = document.querySelector("form.undo");
  undo?.addEventListener("submit", () => {
    const card = document.activeElement?.closest(".card[id]");
    if (card) undo.elements.back.value += `#${card.id}`;
  });
  const cards = [...document.querySelectorAll(".card[id]")];
  const group = document.querySelector(".done")?.dataset.group;
  const cardOf = (id) => cards.find((card) => card.querySelector("input[name=group]")?.value === id);
  const place = location.hash.startsWith("#card-") && document.getElementById(location.hash.slice(1));
  ((group && cardOf(group)) || place)?.focus?.();

  for (const remark of document.querySelectorAll("details.remark")) {
    remark.addEventListener("toggle", () => remark.open && remark.querySelector("input[name=text]").focus());
  }

  const newer = document.querySelector("#newer");
  const look = async () => {
    if (document.hidden || !newer.hidden) return;
    const answer = await fetch(`/newer?${new URLSearchParams({ stamp: newer.dataset.stamp })}`).catch(() => null);
    const words = answer?.ok && (await answer.json()).newer;
    if (!words) return;
    newer.querySelector("span").textContent = words;
    newer.hidden = false;
  };
  if (newer?.dataset.stamp) {
    setInterval(look, 30_000);
    document.addEventListener("visibilitychange", look);
  }
}
