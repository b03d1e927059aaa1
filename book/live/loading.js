// Downloads with progress, and what the page needs of a browser.

/** Why the page cannot run here, or "". */
export function obstacle(scope) {
  if (typeof scope.WebAssembly !== "object")
    return "WebAssembly is off in this browser, and the model runs in it. Turn it on (in Lockdown Mode: for this site), or use another browser.";
  if (typeof scope.DecompressionStream !== "function" || typeof scope.Worker !== "function")
    return "This browser is too old for this page. Use a current Firefox, Chrome, Edge or Safari.";
  return "";
}

/** The files as bytes by name; `progress` is called with the share that has arrived. Sizes are those of the files. */
export async function download(sizes, progress, fetcher = fetch) {
  const total = Object.values(sizes).reduce((a, b) => a + b, 0);
  let arrived = 0;
  const one = async (name) => {
    const answer = await fetcher(name);
    if (!answer.ok) throw new Error(`${name} is missing on the server (${answer.status}).`);
    const parts = [];
    const reader = answer.body.getReader();
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      parts.push(step.value);
      arrived += step.value.length;
      progress(Math.min(1, arrived / total));
    }
    return [name, await new Blob(parts).arrayBuffer()];
  };
  return Object.fromEntries(await Promise.all(Object.keys(sizes).map(one)));
}

/** Unpacked bytes. A server may have unpacked them already, if it declared them as compressed on the way. */
export async function gunzip(buffer) {
  const [first, second] = new Uint8Array(buffer, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return buffer;
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
