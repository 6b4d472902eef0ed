/**
 * The keystore of the operating system, through `@napi-rs/keyring`. It is asked in a process of its own, because a locked
 * keystore may ask a person who is not there, and a thread that waits in native code can be stopped in no other way. Keys
 * travel through pipes only: on no command line, in no environment, in no file. Whoever bundles an application into one file
 * leaves this package outside, or brings a `Keystore` of their own.
 */

import { spawn } from 'node:child_process'
import process from 'node:process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { CustodyKeyUnavailable } from './custody-key-unavailable.ts'
import type { KeyringAnswer, KeyringQuestion } from './keyring-program.ts'

/** What to do where there is no keystore, or none that opens. */
export const whatToDo =
  'Unlock it by signing in to the desktop. On a machine without one, set PAWL_CUSTODY_KEY and take the key from the environment (@pawl/client/environment-key).'

/** Three verbs on entries by service and account; each is over at once when its signal is aborted. */
export function systemKeystore() {
  return {
    async read(service: string, account: string, signal: AbortSignal): Promise<string | null> {
      return ask({ verb: 'read', service, account }, signal)
    },
    async write(service: string, account: string, secret: string, signal: AbortSignal): Promise<void> {
      await ask({ verb: 'write', service, account, secret }, signal)
    },
    async remove(service: string, account: string, signal: AbortSignal): Promise<void> {
      await ask({ verb: 'remove', service, account }, signal)
    },
  }
}

const program = fileURLToPath(import.meta.url).replace(/system-keystore(\.[jt]s)$/, 'keyring-program$1')

async function ask(question: KeyringQuestion, signal: AbortSignal): Promise<string | null> {
  const answer = await answerOf(question, signal)
  if (answer.kind === 'done') return answer.secret
  if (answer.kind === 'not-installed') {
    const what = 'The package @napi-rs/keyring is needed for the keystore of this system: npm install @napi-rs/keyring'
    throw new CustodyKeyUnavailable('unreachable', `${what}. ${answer.message}`)
  }
  throw new CustodyKeyUnavailable('unreachable', `The keystore of this system refused: ${answer.message}. ${whatToDo}`)
}

async function answerOf(question: KeyringQuestion, signal: AbortSignal): Promise<KeyringAnswer> {
  // Options for the program that asks are not meant for this one; Electron runs as Node only when told so.
  const { NODE_OPTIONS: _theirs, ...inherited } = process.env
  const child = spawn(process.execPath, [program], {
    env: { ...inherited, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['pipe', 'pipe', 'ignore'],
    windowsHide: true,
    signal,
    killSignal: 'SIGKILL',
  })
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject))
  // A child that is gone before it has read the question is told by what it did not answer.
  child.stdin.on('error', () => undefined).end(JSON.stringify(question))
  try {
    return readAnswer(await Promise.race([text(child.stdout), failed]))
  } catch (cause) {
    throw new CustodyKeyUnavailable('unreachable', `The keystore of this system cannot be asked. ${whatToDo}`, {
      cause,
    })
  }
}

function readAnswer(said: string): KeyringAnswer {
  if (said === '') return { kind: 'refused', message: `${program} ended without an answer` }
  return JSON.parse(said) as KeyringAnswer
}
