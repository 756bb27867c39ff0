// The picture: before and after under a divider that one drags, enlarged, and other views of it.

const body = document.body;
const [stage, scroller, sheet, divider, slider] =
  ["stage", "scroller", "sheet", "divider", "slider"].map((id) => document.getElementById(id));
const denoised = document.getElementById("denoised");

let size = { width: 1, height: 1 };
let share = 0.5; // of the stage that shows the noisy picture

function zoom() {
  const chosen = body.dataset.zoom;
  if (chosen !== "fit") return Number(chosen) / window.devicePixelRatio;
  const { clientWidth: wide, clientHeight: tall } = stage;
  const fits = Math.min(wide / size.width, tall / size.height);
  return fits < 1 ? fits : Math.max(1, Math.min(8, Math.floor(fits * 2) / 2));
}

function layOut() {
  stage.style.setProperty(
    "--fitting", `${Math.ceil((stage.clientWidth * size.height) / size.width)}px`);
  const scale = zoom();
  sheet.style.width = `${size.width * scale}px`;
  sheet.style.height = `${size.height * scale}px`;
  sheet.classList.toggle("pixels", scale * window.devicePixelRatio >= 2);
  cut();
}

function cut() {
  // The divider stays within the picture, where that is narrower than the stage.
  const [outer, inner] = [scroller.getBoundingClientRect(), sheet.getBoundingClientRect()];
  const first = Math.max(0, inner.left - outer.left);
  const last = Math.min(scroller.clientWidth, inner.right - outer.left);
  const at = first + share * (last - first);
  divider.style.left = `${at}px`;
  denoised.style.clipPath = `inset(0 0 0 ${outer.left + at - inner.left}px)`;
  return { first, last };
}

function moveTo(clientX) {
  const { first, last } = cut();
  const at = clientX - scroller.getBoundingClientRect().left;
  share = Math.min(1, Math.max(0, (at - first) / Math.max(1, last - first)));
  slider.value = 100 * share;
  cut();
}

// A finger that moves up or down scrolls the page, and leaves the divider where it is.
function drags(element, allowed) {
  let from = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !allowed()) return;
    element.setPointerCapture(event.pointerId);
    from = event.pointerType === "touch" ? event : null;
    if (!from) moveTo(event.clientX);
    if (event.pointerType === "mouse") event.preventDefault();
    slider.focus({ preventScroll: true, focusVisible: false });
  });
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    const [right, down] = from ? [event.clientX - from.clientX, event.clientY - from.clientY] : [1, 0];
    if (Math.abs(right) <= Math.abs(down)) return;
    from = null;
    moveTo(event.clientX);
  });
  element.addEventListener("pointerup", (event) => {
    if (from) moveTo(event.clientX); // a tap
    from = null;
  });
  element.addEventListener("pointercancel", () => { from = null; });
}

// Where the picture is enlarged, a mouse that grabs it moves it; touch and wheel do so anyway.
function pans() {
  scroller.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && event.buttons === 1 && body.dataset.zoom !== "fit") {
      scroller.scrollLeft -= event.movementX;
      scroller.scrollTop -= event.movementY;
    }
  });
}

function enlarge(value) {
  const scale = sheet.clientWidth || 1;
  const middle = [scroller.scrollLeft + scroller.clientWidth / 2,
    scroller.scrollTop + scroller.clientHeight / 2];
  body.dataset.zoom = value;
  layOut();
  const ratio = sheet.clientWidth / scale;
  scroller.scrollLeft = middle[0] * ratio - scroller.clientWidth / 2;
  scroller.scrollTop = middle[1] * ratio - scroller.clientHeight / 2;
  cut();
}

export function start() {
  body.dataset.zoom = "fit";
  body.dataset.view = "compare";
  drags(divider, () => true);
  drags(scroller, () => body.dataset.zoom === "fit" && body.dataset.view === "compare");
  pans();
  slider.addEventListener("input", () => { share = slider.value / 100; cut(); });
  scroller.addEventListener("scroll", cut);
  new ResizeObserver(layOut).observe(stage);
  for (const input of document.querySelectorAll('[name="zoom"]')) {
    input.addEventListener("change", () => enlarge(input.value));
  }
  for (const input of document.querySelectorAll('[name="view"]')) {
    input.addEventListener("change", () => {
      body.dataset.view = input.value;
      layOut();
      body.dispatchEvent(new Event("viewed"));
    });
  }
}

// Show pictures of these sizes in pixels; `urls` by the ids of their elements.
export function show(shown, urls) {
  size = shown;
  for (const [id, url] of Object.entries(urls)) {
    const image = document.getElementById(id);
    if (image.src.startsWith("blob:") && image.src !== url) URL.revokeObjectURL(image.src);
    if (url) image.src = url; else image.removeAttribute("src");
  }
  layOut();
}
