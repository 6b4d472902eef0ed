/** Secrets come in by stdin, never by an argument: arguments are in the process list and the shell's history. */

import { isCancel, password as askPassword } from '@clack/prompts'
import { askAtTerminal, isTerminal } from './confirm.ts'
import { Unconfirmed, UsageRefused } from './exit-codes.ts'
import type { World } from './world.ts'

export const passwordLineBytesMax = 8192

/** One line of stdin without its line end, or what is typed at a terminal without being shown. */
export async function readPassword(world: World, fromStdin: boolean): Promise<string> {
  if (fromStdin) return firstLine(await readStdin(world))
  if (!isTerminal(world)) {
    throw new UsageRefused('Write --password-stdin and send the password on stdin: it never belongs in an argument.')
  }
  const typed = await askAtTerminal(world, common => askPassword({ message: 'Password', ...common }))
  if (isCancel(typed)) throw new Unconfirmed('Nothing was changed.')
  return typed
}

async function readStdin(world: World): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of world.stdin) {
    const piece = Buffer.from(chunk as Uint8Array)
    bytes += piece.length
    if (bytes > passwordLineBytesMax)
      throw new UsageRefused(`A password line has at most ${passwordLineBytesMax} bytes.`)
    chunks.push(piece)
    if (piece.includes(0x0a)) break
  }
  return Buffer.concat(chunks)
}

function firstLine(bytes: Buffer): string {
  const end = bytes.indexOf(0x0a)
  const line = end < 0 ? bytes : bytes.subarray(0, end)
  const trimmed = line.at(-1) === 0x0d ? line.subarray(0, -1) : line
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(trimmed)
  } catch (cause) {
    throw new UsageRefused('The password on stdin is not UTF-8.', { cause })
  }
}
