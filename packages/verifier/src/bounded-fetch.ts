/**
 * Requests to the authorization server, each with a limit of time and size, none of which follows a redirect: whoever
 * could answer for the server's address with another one would choose our keys.
 */

import { ServerUnavailable } from './fault.ts'
import type { World } from './world.ts'

/** From the first byte sent to the last one read. */
export const answerSecondsMax = 5

export interface Asked {
  readonly url: string
  readonly accept: string
  readonly bytesMax: number
  /** A form to post; without one it is a GET. */
  readonly form?: URLSearchParams
  readonly headers?: { readonly [name: string]: string }
  /** Ends the request early. */
  readonly signal?: AbortSignal
  readonly seconds?: number
}

/** Answers the body of a 200. Rejects with `ServerUnavailable` for everything else. */
export async function fetchBytes(world: World, asked: Asked): Promise<Uint8Array<ArrayBuffer>> {
  const response = await send(world, asked)
  try {
    if (response.status === 200) return await readBytes(response, asked.bytesMax)
  } catch (cause) {
    throw new ServerUnavailable(`the answer of ${placeOf(asked.url)} could not be read`, { cause })
  }
  await response.body?.cancel()
  throw new ServerUnavailable(`${placeOf(asked.url)} answered ${response.status}`)
}

export async function fetchText(world: World, asked: Asked): Promise<string> {
  return new TextDecoder().decode(await fetchBytes(world, asked))
}

/** A JSON object. */
export async function fetchObject(world: World, asked: Asked): Promise<{ readonly [name: string]: unknown }> {
  const value = objectOf(await fetchText(world, asked))
  if (value === null) throw new ServerUnavailable(`${placeOf(asked.url)} answered no JSON object`)
  return value
}

/** The object that a JSON text says, or null. */
export function objectOf(text: string): { readonly [name: string]: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    // Whoever asked says what the text should have been; what the parser says of it helps nobody.
    return null
  }
}

export function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True of what may be fetched at all: https, or this very machine. */
export function isSafeUrl(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname))
}

async function send(world: World, asked: Asked): Promise<Response> {
  const { url, accept, form, headers, signal, seconds = answerSecondsMax } = asked
  const limit = AbortSignal.timeout(seconds * 1000)
  const init: RequestInit = {
    method: form === undefined ? 'GET' : 'POST',
    headers: { accept, ...headers },
    redirect: 'manual',
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    ...(form !== undefined && { body: form }),
  }
  try {
    return await world.fetch(new Request(url, init))
  } catch (cause) {
    throw new ServerUnavailable(`${placeOf(url)} could not be reached`, { cause })
  }
}

async function readBytes(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  return response.body === null ? new Uint8Array() : collect(response.body, bytesMax)
}

/** Everything that comes, up to a limit; rejects with `RangeError` beyond. */
export async function collect(stream: ReadableStream<Uint8Array>, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunksOf(stream)) {
    length += chunk.length
    if (length > bytesMax) throw new RangeError(`the answer is longer than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** Not every runtime iterates over its streams. Whoever stops early lets go of the rest. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}

/** Without query: what stands there may be nobody's business. */
function placeOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
