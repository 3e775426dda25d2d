// Stands in for the model providers on the loopback interface: answers "OK" in the form of either API, and
// appends a line `path authorization.` to the file named by the argument for each request.
import fs from "node:fs";
import http from "node:http";

const record = process.argv[2];

function anthropic(send) {
  const message = { id: "msg_EXAMPLE", type: "message", role: "assistant", model: "claude-opus-4-6", content: [] };
  const event = (type, data) => send(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  event("message_start", { message: { ...message, usage: { input_tokens: 1, output_tokens: 1 } } });
  event("content_block_start", { index: 0, content_block: { type: "text", text: "" } });
  event("content_block_delta", { index: 0, delta: { type: "text_delta", text: "OK" } });
  event("content_block_stop", { index: 0 });
  event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 1 } });
  event("message_stop", {});
}

function openai(send) {
  const head = { id: "EXAMPLE", object: "chat.completion.chunk", created: 1, model: "example/model" };
  const chunk = (data) => send(`data: ${JSON.stringify({ ...head, ...data })}\n\n`);
  chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "OK" }, finish_reason: null }] });
  chunk({
    choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });
  send("data: [DONE]\n\n");
}

const server = http.createServer((request, response) => {
  request.resume().on("end", () => {
    fs.appendFileSync(record, `${request.url} ${request.headers.authorization}.\n`, { mode: 0o600 });
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (text) => response.write(text);
    (request.url.startsWith("/v1/messages") ? anthropic : openai)(send);
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
