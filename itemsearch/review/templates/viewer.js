// The viewer: the pictures of a group large, two side by side at one zoom, and how their colours differ.
{
  const viewer = document.querySelector("#viewer");
  const MOST = 16; // times as large as it fits
  const STEP = 1.25;
  const DIFFERS = [[2, "colours look the same"], [6, "colours hardly differ"], [15, "colours differ visibly"]];
  const OTHER = "clearly other colours"; // ΔE of CIELAB, 1976: 2.3 is just noticeable; the other limits are guesses

  // --- colours ---

  const pixelsOf = (image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [48, 48];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, 48, 48);
    const { data } = context.getImageData(0, 0, 48, 48);
    return Array.from({ length: 48 * 48 }, (_, place) => [...data.subarray(4 * place, 4 * place + 3)]);
  };
  const mean = (pixels) => [0, 1, 2].map((part) => pixels.reduce((sum, p) => sum + p[part], 0) / pixels.length);
  const bins = (pixels) => {
    const found = new Map();
    for (const pixel of pixels) {
      const bin = pixel.map((part) => part >> 6).join();
      found.set(bin, [...(found.get(bin) ?? []), pixel]);
    }
    return [...found.values()].sort((one, other) => other.length - one.length);
  };
  // Of the product: pixels unlike the commonest colour of the border are not background.
  const product = (pixels) => {
    const border = pixels.filter((_, place) => place < 48 || place >= 47 * 48 || place % 48 === 0 || place % 48 === 47);
    const ground = mean(bins(border)[0]);
    const front = pixels.filter((pixel) => Math.hypot(...pixel.map((part, i) => part - ground[i])) > 40);
    return front.length > pixels.length / 50 ? front : pixels;
  };
  const lab = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    const [x, y, z] = [
      (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b,
      (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    ].map((part) => (part > 0.008856 ? Math.cbrt(part) : 7.787 * part + 16 / 116));
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const hex = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

  // --- what is shown ---

  const panes = viewer ? [...viewer.querySelectorAll(".pane")] : [];
  const stages = panes.map((pane) => pane.querySelector(".stage"));
  // Within the page only once it is opened: until then they show nothing.
  const images = stages.map(() => new Image());
  const over = new Image();
  over.className = "over";
  over.hidden = true;
  for (const image of [...images, over]) image.draggable = false;
  const pressed = (name) => viewer.querySelector(`[data-do="${name}"]`).getAttribute("aria-pressed") === "true";
  let listings = [];
  let kept = 0;
  let shown = 0;
  let held = false;
  const view = { scale: 1, x: 0, y: 0 };

  const load = (image, link) => {
    // The small picture first, which the page has already; both fill the stage alike.
    image.alt = link.getAttribute("aria-label").replace("look closer at ", "");
    image.src = link.querySelector("img").currentSrc || link.querySelector("img").src;
    image.dataset.large = link.href;
    const large = new Image();
    large.onload = () => {
      if (image.dataset.large === link.href) image.src = link.href;
    };
    large.src = link.href;
  };
  const fill = (pane, place) => {
    const { link, figure } = listings[place];
    load(images[panes.indexOf(pane)], link);
    pane.querySelector(".role").textContent = figure.querySelector(".keep-badge") ? `${place + 1}, to keep` : place + 1;
    const title = figure.querySelector(".title-text");
    pane.querySelector(".name").replaceChildren(...(title?.cloneNode(true).childNodes ?? []));
    pane.querySelector(".id").textContent = figure.querySelector(".id bdi")?.textContent ?? "";
    const cells = figure.querySelector(".differs");
    pane.querySelector(".cells").replaceChildren(...(cells ? [cells.cloneNode(true)] : []));
  };
  const show = (place, step = 1) => {
    const around = (at) => (at + listings.length) % listings.length;
    const pair = listings.length > 1;
    shown = pair && around(place) === kept ? around(kept + step) : around(place);
    viewer.classList.toggle("alone", !pair);
    fill(panes[0], kept);
    if (pair) {
      fill(panes[1], shown);
      load(over, listings[shown].link);
    }
    viewer.querySelector("#viewer-title").textContent =
      pair ? `Listing ${shown + 1} beside listing ${kept + 1}, of ${listings.length}` : "One listing";
    move(1, 0, 0);
  };
  const overlay = () => {
    const difference = pressed("difference");
    over.hidden = !(difference || held || pressed("blink"));
    viewer.classList.toggle("difference", difference);
  };
  const toggle = (name) => {
    const button = viewer.querySelector(`[data-do="${name}"]`);
    button.setAttribute("aria-pressed", String(!pressed(name)));
    overlay();
  };

  const describe = () => {
    const colours = panes.map((pane, place) => {
      const image = images[place];
      const swatches = pane.querySelector(".swatches");
      pane.querySelector(".small").hidden = Math.max(image.naturalWidth, image.naturalHeight) > 96;
      swatches.hidden = true;
      if (!image.complete || !image.naturalWidth) return null;
      try {
        const pixels = product(pixelsOf(image));
        const most = bins(pixels).slice(0, 5);
        swatches.replaceChildren(...most.map((bin) => {
          const swatch = document.createElement("span");
          swatch.style.background = hex(mean(bin));
          swatch.style.flexGrow = bin.length;
          return swatch;
        }));
        const average = mean(pixels);
        swatches.setAttribute("aria-label", `its colours; on average ${hex(average)}`);
        swatches.hidden = false;
        return average;
      } catch {
        return null; // a picture of another site may be looked at, but not read
      }
    });
    const [one, other] = colours;
    const alone = viewer.classList.contains("alone") || !one || !other;
    const far = alone ? 0 : Math.hypot(...lab(one).map((part, i) => part - lab(other)[i]));
    const words = DIFFERS.find(([limit]) => far < limit)?.[1] ?? OTHER;
    viewer.querySelector(".colours").textContent =
      alone ? "" : `On average ${hex(one)} and ${hex(other)}: ${words} (ΔE ${far.toFixed(0)}).`;
  };

  // --- zoom and pan: of all pictures at once; x and y in shares of a stage ---

  const move = (scale, x, y) => {
    view.scale = Math.min(MOST, Math.max(1, scale));
    const most = (view.scale - 1) / 2;
    [view.x, view.y] = [x, y].map((part) => Math.min(most, Math.max(-most, part)));
    for (const [name, value] of Object.entries(view)) viewer.style.setProperty(`--${name}`, value);
    viewer.classList.toggle("zoomed", view.scale > 1);
  };
  const zoom = (times, [x, y] = [0, 0]) => {
    const scale = Math.min(MOST, Math.max(1, view.scale * times));
    const ratio = scale / view.scale;
    move(scale, x - (x - view.x) * ratio, y - (y - view.y) * ratio);
  };
  const pan = (x, y) => move(view.scale, view.x + x, view.y + y);
  const within = (event) => {
    const box = event.target.closest(".stage").getBoundingClientRect();
    return [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
  };
  const pointers = new Map();
  const spread = () => {
    const [one, other] = [...pointers.values()];
    return Math.hypot(one[0] - other[0], one[1] - other[1]);
  };
  for (const stage of stages) {
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(event.deltaY < 0 ? STEP : 1 / STEP, within(event));
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => (view.scale > 1 ? move(1, 0, 0) : zoom(3, within(event))));
    stage.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, within(event));
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const wide = pointers.size === 2 ? spread() : 0;
      const now = within(event);
      pointers.set(event.pointerId, now);
      if (wide) zoom(spread() / wide, now);
      else pan(now[0] - before[0], now[1] - before[1]);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
    }
  }

  for (const image of images) image.addEventListener("load", describe);

  // --- opening, keys, buttons ---

  const look = (link) => {
    const figures = [...link.closest(".members").querySelectorAll(":scope > figure")];
    listings = figures
      .map((figure) => ({ figure, link: figure.querySelector("a.picture") }))
      .filter((each) => each.link);
    kept = Math.max(0, listings.findIndex((each) => each.figure.classList.contains("keeper")));
    for (const name of ["blink", "difference"]) if (pressed(name)) toggle(name);
    stages.forEach((stage, place) => stage.prepend(images[place]));
    images[0].after(over);
    viewer.showModal();
    viewer.querySelector("[data-do=close]").focus();
    show(listings.findIndex((each) => each.link === link));
  };
  const actions = {
    previous: () => show(shown - 1, -1), next: () => show(shown + 1), in: () => zoom(STEP * STEP),
    out: () => zoom(1 / STEP / STEP), fit: () => move(1, 0, 0), blink: () => toggle("blink"),
    difference: () => toggle("difference"), close: () => viewer.close(),
  };
  const arrows = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const keys = {
    n: "next", p: "previous", PageDown: "next", PageUp: "previous", "+": "in", "=": "in", "-": "out", 0: "fit",
    d: "difference", z: "close",
  };
  const key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in arrows && view.scale > 1) pan(...arrows[event.key]);
    else if (event.key in arrows) actions[arrows[event.key].some((part) => part < 0) ? "next" : "previous"]();
    else if (event.key === "b") held = true;
    else if (event.key >= "1" && event.key <= "9") show(Math.min(Number(event.key), listings.length) - 1);
    else if (event.key in keys) actions[keys[event.key]]();
    else return;
    event.preventDefault();
    overlay();
  };
  if (viewer) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a.picture");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      look(link);
    });
    // On a listing or a group: its picture; z anywhere else: the first.
    document.addEventListener("keydown", (event) => {
      const focused = document.activeElement?.closest("figure, .card");
      const here = focused ?? (event.key === "z" ? document.querySelector(".card:not([hidden])") : null);
      const opens = event.key === "z" || (event.key === "Enter" && here === document.activeElement);
      if (!here || !opens || event.target.closest("dialog, input:not([type=checkbox]), select, textarea")) return;
      const link = here.querySelector("a.picture");
      if (link) {
        event.preventDefault();
        look(link);
      }
    });
    viewer.addEventListener("keydown", key);
    viewer.addEventListener("keyup", (event) => {
      if (event.key === "b") held = false;
      overlay();
    });
    viewer.addEventListener("click", (event) => actions[event.target.closest("[data-do]")?.dataset.do]?.());
    viewer.addEventListener("close", () => listings[shown]?.link.focus());
  }
}
