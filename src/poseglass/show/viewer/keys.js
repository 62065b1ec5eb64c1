// The keyboard: one table from which both the behaviour and the help come.

// Rows are [keys, name of the keys, what they do, action].
function listenToKeys(rows, stage, turn) {
  const actions = new Map(rows.flatMap(([keys, , , action]) => keys.map((key) => [key, action])));
  const turns = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
  document.addEventListener("keydown", (event) => {
    const on = event.target, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || on.tagName === "SELECT" || on.closest("dialog[open]")) return;
    if (key === " " && on.tagName === "BUTTON" && on.id !== "play") return; // space presses a button
    if (on === stage && turns[key]) turn(...turns[key]);
    else if (actions.has(key)) actions.get(key)(key);
    else return;
    event.preventDefault();
  });
  // A browser clicks a focused button when space is released, but pressing the key has already played or paused.
  document.getElementById("play").addEventListener("keyup", (event) => { if (event.key === " ") event.preventDefault(); });

  const table = document.querySelector("#help table");
  for (const [, name, does] of rows) {
    const row = table.insertRow();
    row.insertCell().textContent = name;
    row.insertCell().textContent = does;
  }
}
