// Search, chips, folds and the lens. Without it the report is whole: everything is there, folded, with links.
const all = (what, from = document) => [...from.querySelectorAll(what)], find = document.querySelector(".find");
for (const th of all("table.sides th[rowspan]")) { // a name in every line, so that lines can be hidden one by one
  let row = th.parentElement, n = +th.rowSpan;
  th.removeAttribute("rowspan");
  while (--n > 0 && (row = row.nextElementSibling)) { const again = th.cloneNode(true); again.className = "again"; row.prepend(again); }
}
const items = [...all("article.claim"), ...all("table.sides tbody tr"), ...all(".gallery figure")].map(el => ({el}));
const words = el => el.dataset.words ?? [...all("[data-label=verdict] > div > span:first-child", el).slice(0, 1),
  ...all("[data-label=contradicts]", el)].map(w => w.textContent.trim().replace(/ \(.*/, "")).join(";");
const folds = all("main details");
const show = () => {
  const asked = find.querySelector("input").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const on = all("button[aria-pressed=true]", find).flatMap(b => b.dataset.words.split(";"));
  const active = asked.length || on.length;
  let n = 0;
  for (const item of items) {
    item.text ??= item.el.textContent.toLowerCase(); item.words ??= words(item.el).split(";");
    const hit = asked.every(w => item.text.includes(w)) && (!on.length || item.words.some(w => on.includes(w)));
    item.el.hidden = active && !hit; n += hit;
  }
  const left = d => d.querySelector("article.claim:not([hidden]), table.sides tbody tr:not([hidden]), .gallery figure:not([hidden])");
  for (const d of folds) { d.was ??= d.open; d.hidden = active && !left(d); d.open = active ? !d.hidden : d.was; }
  for (const c of all(".chapter")) c.hidden = active && !left(c);
  find.querySelector("output").textContent = active ? `${n} found` : "";
};
let soon;
find.hidden = false;
find.querySelector("input").addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(show, 150); });
for (const b of all("button", find)) b.addEventListener("click", () => {
  b.setAttribute("aria-pressed", b.getAttribute("aria-pressed") !== "true"); show(); });
const unfold = () => { const at = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!at) return;
  for (let d = at.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
  at.scrollIntoView(); };
addEventListener("hashchange", unfold); unfold();
addEventListener("beforeprint", () => folds.forEach(d => d.open = true));
const lens = document.querySelector("dialog.lens"), big = lens.querySelector("img");
for (const a of all("a.zoom")) a.addEventListener("click", e => {
  if (e.metaKey || e.ctrlKey || !lens.showModal) return;
  e.preventDefault(); big.src = a.href; big.alt = a.firstElementChild.alt; lens.showModal(); });
big.addEventListener("click", () => big.classList.toggle("full"));
lens.addEventListener("click", e => { if (e.target === lens) lens.close(); });
