// A program on the SDK of a provider: @anthropic-ai/sdk or openai. Does what a line of its standard input says, and prints what came
// of it in one line. Base URL and key come from the variables that the SDK reads.
//
//   node sdk-client.mjs DIRECTORY anthropic|openai      the SDKs are in DIRECTORY/node_modules
//
// A line is a step (plain, stream, tools, images, cancel, silent, count, embed, models) or, for Chat Completions of openai, `chat-`
// and a step.
import crypto from "node:crypto";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

// What the SDKs log goes to standard error.
console.debug = console.info = console.warn = console.error;
const [directory, provider] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(directory), "package.json"));
const model = "made-up-model";
const ask = "say something made up";
const useTool = 'call lookup {"city": "Made Up"}';
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const description = "Looks up a city";
const found = ({ city }) => `21 degrees in ${city}`;

// 20 MB in four images, each of them new, in base64.
const makeImages = () => Array.from({ length: 4 }, () => crypto.randomBytes(5 << 20));
function sameImages(images, text) {
  const digest = crypto.createHash("sha256").update(Buffer.concat(images)).digest("hex");
  return text === `4 images of ${20 << 20} bytes, ${digest}` ? `${20 << 20} bytes as they were` : `other bytes: ${text}`;
}
// Reads a stream: the text, how many events of each type there were in a row.
async function read(stream, typeOf, textOf) {
  let text = "";
  const types = [];
  for await (const event of stream) {
    text += textOf(event) ?? "";
    if (types.at(-1)?.type === typeOf(event)) types.at(-1).times += 1;
    else types.push({ type: typeOf(event), times: 1 });
  }
  return `${text} | ${types.map(({ type, times }) => (times > 1 ? `${times}*${type}` : type)).join(" ")}`;
}
// Ends what `begin` started: a stream after its first text, anything else after a while. Says when, in seconds.
async function cancelled(begin, textOf) {
  const controller = new AbortController();
  let at = 0;
  const abort = () => ((at = (performance.timeOrigin + performance.now()) / 1000), controller.abort());
  try {
    const begun = begin(controller.signal);
    if (!textOf) setTimeout(abort, 300);
    const stream = await begun;
    for await (const event of stream) if (textOf(event)) abort();
  } catch (error) {
    if (!/abort/i.test(`${error.name} ${error.message}`)) throw error;
  }
  return `cancelled ${at}`;
}

function anthropic() {
  const client = new (load("@anthropic-ai/sdk").default)();
  const common = { model, max_tokens: 100 };
  const create = (content, more, options) =>
    client.messages.create({ ...common, messages: [{ role: "user", content }], ...more }, options);
  const textOf = (message) => message.content.map((block) => block.text).join("");
  const deltaOf = (event) => event.delta?.text;
  const tools = [{ name: "lookup", description, input_schema: parameters }];
  return {
    plain: async () => textOf(await create(ask)),
    stream: async () => read(await create(ask, { stream: true }), (event) => event.type, deltaOf),
    async tools() {
      const question = { role: "user", content: useTool };
      const first = await client.messages.stream({ ...common, tools, messages: [question] }).finalMessage();
      const call = first.content.find((block) => block.type === "tool_use");
      const result = { type: "tool_result", tool_use_id: call.id, content: found(call.input) };
      const messages = [question, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
      return textOf(await client.messages.create({ ...common, tools, messages }));
    },
    async images() {
      const images = makeImages();
      const block = (data) => ({ type: "image", source: { type: "base64", media_type: "image/png", data: data.toString("base64") } });
      return sameImages(images, textOf(await create([{ type: "text", text: ask }, ...images.map(block)])));
    },
    cancel: () => cancelled((signal) => create(ask, { stream: true }, { signal }), deltaOf),
    silent: () => cancelled((signal) => create(ask, {}, { signal })),
    count: async () => `${(await client.messages.countTokens({ model, messages: [{ role: "user", content: ask }] })).input_tokens} tokens`,
    models: async () => (await client.models.list()).data.map((one) => one.id).join(),
  };
}

function openai() {
  const client = new (load("openai").default)();
  const create = (input, more, options) => client.responses.create({ model, input, store: false, ...more }, options);
  const deltaOf = (event) => (event.type === "response.output_text.delta" ? event.delta : "");
  const tool = { type: "function", name: "lookup", description, parameters, strict: false };
  const say = (content, more, options) => client.chat.completions.create({ model, messages: [{ role: "user", content }], ...more }, options);
  const said = (completion) => completion.choices[0].message.content;
  const saying = (chunk) => chunk.choices[0].delta.content;
  return {
    plain: async () => (await create(ask)).output_text,
    stream: async () => read(await create(ask, { stream: true }), (event) => event.type, deltaOf),
    async tools() {
      const question = { role: "user", content: useTool };
      const first = await client.responses.stream({ model, tools: [tool], input: [question] }).finalResponse();
      const call = first.output.find((item) => item.type === "function_call");
      const result = { type: "function_call_output", call_id: call.call_id, output: found(JSON.parse(call.arguments)) };
      return (await create([question, ...first.output, result], { tools: [tool] })).output_text;
    },
    async images() {
      const images = makeImages();
      const part = (data) => ({ type: "input_image", detail: "auto", image_url: `data:image/png;base64,${data.toString("base64")}` });
      const content = [{ type: "input_text", text: ask }, ...images.map(part)];
      return sameImages(images, (await create([{ role: "user", content }])).output_text);
    },
    cancel: () => cancelled((signal) => create(ask, { stream: true }, { signal }), deltaOf),
    silent: () => cancelled((signal) => create(ask, {}, { signal })),
    embed: async () => (await client.embeddings.create({ model, input: ask })).data[0].embedding.join(),
    models: async () => (await client.models.list()).data.map((one) => one.id).join(),
    "chat-plain": async () => said(await say(ask)),
    "chat-stream": async () => read(await say(ask, { stream: true }), (chunk) => chunk.object, saying),
    async "chat-tools"() {
      const messages = [{ role: "user", content: useTool }];
      const tools = [{ type: "function", function: { name: "lookup", description, parameters } }];
      const first = await client.chat.completions.stream({ model, tools, messages }).finalChatCompletion();
      const { message } = first.choices[0];
      const content = found(JSON.parse(message.tool_calls[0].function.arguments));
      messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content });
      return said(await client.chat.completions.create({ model, tools, messages }));
    },
    async "chat-images"() {
      const images = makeImages();
      const part = (data) => ({ type: "image_url", image_url: { url: `data:image/png;base64,${data.toString("base64")}` } });
      return sameImages(images, said(await say([{ type: "text", text: ask }, ...images.map(part)])));
    },
    "chat-cancel": () => cancelled((signal) => say(ask, { stream: true }, { signal }), saying),
  };
}

const steps = { anthropic, openai }[provider]();
console.log("ready");
for await (const step of readline.createInterface({ input: process.stdin })) {
  try {
    console.log(await steps[step]());
  } catch (error) {
    console.log(`${error.constructor.name}: ${error.status ?? ""} ${error.message}`.replaceAll("\n", " "));
  }
}
