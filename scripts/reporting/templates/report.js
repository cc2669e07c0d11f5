"use strict";

const MINUS = /\u2212/g;

/** The words of a cell, on one line. */
const text = (cell) => cell.innerText.replace(/\s+/g, " ").trim();

/** The number that a cell begins with, or NaN. */
const number = (cell) => parseFloat(text(cell).replace(MINUS, "-").replace(/,/g, ""));

/** The rows that are sorted and downloaded, each with its cells: the first row of every body. */
const entries = (table) =>
  [...table.tBodies].map((body) => ({ body, cells: [...body.rows[0].cells] }));

/** Sort a table by one of its columns; cells without a value stay last. */
function sort(table, column) {
  const headings = [...table.tHead.rows[0].cells];
  const descending = headings[column].getAttribute("aria-sort") === "ascending";
  headings.forEach((heading) => heading.removeAttribute("aria-sort"));
  headings[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  const keyed = entries(table).map(({ body, cells }) => {
    const words = text(cells[column]);
    return { body, words, value: number(cells[column]), empty: words === "" || words === "–" };
  });
  const numeric = keyed.every(({ value, empty }) => empty || !Number.isNaN(value));
  keyed.sort((a, b) => {
    if (a.empty || b.empty) return a.empty - b.empty;
    const order = numeric
      ? a.value - b.value
      : a.words.localeCompare(b.words, "en", { numeric: true });
    return descending ? -order : order;
  });
  table.append(...keyed.map(({ body }) => body));
}

/** The table as tab-separated lines, in the order in which it stands. */
function asTsv(table) {
  const rows = [[...table.tHead.rows[0].cells], ...entries(table).map(({ cells }) => cells)];
  return rows.map((cells) => cells.map(text).join("\t") + "\n").join("");
}

function download(table) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([asTsv(table)], { type: "text/tab-separated-values" }));
  link.download = `${table.dataset.name}.tsv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Give a table buttons: to sort by each heading, and to download it. */
function enhance(table) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(table, column));
    heading.append(button);
  });
  const button = document.createElement("button");
  button.type = "button";
  button.className = "download";
  button.textContent = "Download as TSV";
  button.setAttribute("aria-label", `Download as TSV: ${table.dataset.name}`);
  button.addEventListener("click", () => download(table));
  table.parentElement.after(button);
}

/** Open the folded section that the address names. */
function openTarget() {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = named; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (named) named.scrollIntoView();
}

/** Enhance the tables that can be seen; those of folded sections wait until they are opened. */
function enhanceSeen(within) {
  within.querySelectorAll("table[data-name]").forEach((table) => {
    if (!table.closest("details:not([open])") && !table.querySelector("thead button")) enhance(table);
  });
}

document.addEventListener("toggle", (event) => enhanceSeen(event.target), true);
addEventListener("hashchange", openTarget);
openTarget();
enhanceSeen(document);
