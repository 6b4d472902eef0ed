/** What the tool does. Words for the person go to stderr, what programs read goes to stdout. */

import { type Custody, type FreshGrant, type Holder, holdGrants } from '@pawl/client'
import { signInWithDevice } from '@pawl/client/device'
import { signInAtLoopback } from '@pawl/client/loopback'
import type { Settings } from './settings.ts'

export interface Terminal {
  readonly say: (words: string) => void
  readonly print: (text: string) => void
}

export interface Command {
  readonly settings: Settings
  readonly custody: Custody
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** One person, one grant. A tool for several would name it after the account. */
const grant = 'default'
const scope = 'openid profile email offline_access'

export async function login(command: Command, how: { readonly onDevice: boolean }): Promise<void> {
  const { custody, terminal, settings, signal } = command
  await withHolder(command, async holder => {
    const keep = (fresh: FreshGrant) => holder.keep(grant, fresh)
    if (!how.onDevice) {
      await signInAtLoopback(custody, {
        scope,
        signal,
        keep,
        redirectUri: settings.redirectUri,
        applicationName: 'the terminal',
        show: url => terminal.say(`Sign in with your browser. If it does not open, go to\n${url}`),
      })
      return
    }
    const fresh = await signInWithDevice(custody, {
      scope,
      signal,
      show: ({ userCode, verificationUri }) =>
        terminal.say(`Open ${verificationUri} on any device and enter the code ${userCode}`),
    })
    await keep(fresh)
  })
  terminal.say('You are signed in.')
}

export async function whoami(command: Command): Promise<void> {
  const answer = await withHolder(command, async holder => {
    const userinfo = new URL('/userinfo', command.settings.issuer)
    return readAnswer(await holder.fetchAs(grant, { origins: [userinfo.origin] })(userinfo, { signal: command.signal }))
  })
  command.terminal.print(answer)
}

/** `path` is below the API: a whole URL of another origin gets no token, and is refused before anything is sent. */
export async function call(command: Command, path: string): Promise<void> {
  const { settings, signal, terminal } = command
  const answer = await withHolder(command, async holder => {
    const ask = holder.fetchAs(grant, { origins: [settings.api.origin] })
    return readAnswer(await ask(new URL(path, settings.api), { signal }))
  })
  terminal.print(answer)
}

export async function logout(command: Command): Promise<void> {
  const outcome = await withHolder(command, holder => holder.end(grant))
  command.terminal.say(farewells[outcome])
}

const farewells = {
  revoked: 'You are signed out.',
  unreachable: 'You are signed out here. The server could not be told: end the session on your account page.',
  absent: 'You were not signed in.',
} as const

/** The API answered, and not with what was asked for. */
export class CallFailed extends Error {}

async function readAnswer(response: Response): Promise<string> {
  if (!response.ok) throw new CallFailed(`The API answered ${response.status}.`)
  return response.text()
}

/** What a process has begun it finishes: closing waits for a renewal that was sent, so that its answer is stored. */
async function withHolder<T>({ custody }: Command, work: (holder: Holder) => Promise<T>): Promise<T> {
  const holder = holdGrants(custody)
  try {
    return await work(holder)
  } finally {
    await holder.close()
  }
}
