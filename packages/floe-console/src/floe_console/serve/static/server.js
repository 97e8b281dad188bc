// What the page knows, and how it asks the server for more. `show` shows the view anew.

export const state = {platform: null, etag: "", text: "", filter: "", isOver: false, failedAt: 0, show: null};

export async function ask(path, parameters = {}, headers = {}) {
  const wanted = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined && value !== null));
  const answer = await fetch(`api/${path}?${wanted}`, {headers, signal: AbortSignal.timeout(15000)});
  if (answer.status === 304) return null;
  if (!answer.ok) throw new Error(await answer.text());
  if (path === "platform") state.etag = answer.headers.get("etag") || "";
  return answer.json();
}
