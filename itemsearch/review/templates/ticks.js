// Ticks many listings of a group at once: all, a range, and by the arrow keys.
for (const picker of document.querySelectorAll("[data-picker]")) {
  const form = picker.closest("form");
  const boxes = [...form.querySelectorAll("input[name=ticked]")];
  const count = picker.querySelector("output");
  const buttons = [...form.querySelectorAll("[data-ticked]")];
  let anchor = 0;

  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    count.textContent = `${ticked} of ${boxes.length} ticked`;
    for (const button of buttons) {
      const can = button.dataset.ticked === "some" ? ticked > 0 && ticked < boxes.length : ticked > 1;
      button.disabled = !can;
    }
  };
  const range = (from, to, checked) => {
    for (const box of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) box.checked = checked;
  };
  const go = (place) => {
    for (const box of boxes) box.tabIndex = -1;
    boxes[place].tabIndex = 0;
    boxes[place].focus();
  };
  // Of the grid: how many listings stand in its first row.
  const across = () => {
    const top = boxes[0].closest("figure").offsetTop;
    const first = boxes.findIndex((box) => box.closest("figure").offsetTop > top);
    return first < 0 ? boxes.length : first;
  };

  picker.addEventListener("click", (event) => {
    const what = event.target.dataset.tick;
    if (!what) return;
    for (const box of boxes) box.checked = what === "all" || (what === "others" && !box.checked);
    tell();
  });
  form.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.closest(".tick")) event.preventDefault(); // or text is marked
  });
  form.addEventListener("click", (event) => {
    const place = boxes.indexOf(event.target);
    if (place < 0) return;
    if (event.shiftKey) range(anchor, place, boxes[place].checked);
    anchor = place;
    go(place);
    tell();
  });
  form.addEventListener("keydown", (event) => {
    const place = boxes.indexOf(event.target);
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across() };
    if (place < 0 || !(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const to = place + steps[event.key];
    if (!boxes[to]) return;
    if (event.shiftKey) range(place, to, true);
    anchor = to;
    go(to);
    tell();
  });
  form.addEventListener("reset", () => setTimeout(tell));
  boxes.forEach((box, place) => { box.tabIndex = place ? -1 : 0; });
  picker.hidden = false;
  tell();
}
