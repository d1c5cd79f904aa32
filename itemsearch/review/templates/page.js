// The keys of the report and the application, which both can be read without.
"use strict";
{
  const help = document.querySelector("#help");
  const cards = () => [...document.querySelectorAll(".card:not([hidden])")];
  const focused = () => document.activeElement?.closest(".card");
  const walk = (step) => {
    const all = cards();
    const here = all.indexOf(focused());
    const card = all[here < 0 && step < 0 ? all.length - 1 : here + step];
    card?.focus({ preventScroll: true });
    card?.scrollIntoView({ block: "start" });
  };
  const press = (key) => focused()?.querySelector(`[data-key="${key}"]`)?.click();
  const listing = () => document.activeElement?.closest("figure");
  const choose = (number) => focused()?.querySelectorAll("figure[tabindex]")[number - 1]?.focus();
  const digits = Object.fromEntries([..."123456789"].map((digit) => [digit, () => choose(Number(digit))]));
  const steps = {
    j: () => walk(1), ArrowDown: () => walk(1), ArrowRight: () => walk(1),
    ArrowUp: () => walk(-1), ArrowLeft: () => walk(-1),
  };
  const keys = {
    ...digits, ...steps,
    k: () => (listing() ? listing().querySelector('[data-key="k"]')?.click() : walk(-1)),
    c: () => press("c"), x: () => press("x"), o: () => press("o"), n: () => press("n"),
    u: () => document.querySelector("[data-undo]")?.click(),
    "/": () => document.querySelector(".filters select, main input")?.focus(),
    "?": () => help?.showModal(),
  };

  // What is printed on a key counts, wherever the key is. Letters of other scripts go by the key's place, and so
  // do digits that a layout types with Shift.
  const printed = (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (Object.hasOwn(keys, key)) return key;
    const [, letter, digit] = /^(?:Key([A-Z])|Digit([1-9]))$/.exec(event.code) ?? [];
    if (digit && !event.shiftKey) return digit;
    return letter && /^\p{L}$/u.test(key) && !/\p{Script=Latin}/u.test(key) ? letter.toLowerCase() : "";
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.isComposing || event.target.closest("input:not([type=checkbox]), select, textarea, dialog");
    const key = printed(event);
    if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, key)) return;
    event.preventDefault();
    // A key that is held down walks on, and decides once.
    if (!event.repeat || Object.hasOwn(steps, key)) keys[key]();
  });
  document.querySelector("#keys")?.addEventListener("click", () => help.showModal());
}
