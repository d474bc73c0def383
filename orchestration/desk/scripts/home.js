// Reload the page when the sweep files or the definitions behind the Dagster UI change.
const shown = JSON.stringify(JSON.parse(document.currentScript.dataset.state));
setInterval(async () => {
  try {
    const state = await (await fetch("/sweeps/state")).json();
    if (JSON.stringify(state) !== shown) location.reload();
  } catch {}  // the desk restarts or is gone; the next second tells
}, 1000);
