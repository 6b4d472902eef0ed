/** docs/outcomes.md out of what was measured. */

import type { Measured } from './measure.ts'
import type { Contender } from './site.ts'

export interface Table {
  readonly name: string
  readonly about: string
  readonly lines: readonly { readonly name: string; readonly cells: readonly Measured[] }[]
}

export function pageOf(contenders: readonly Contender[], tables: readonly Table[]): string {
  const uses = contenders.map(({ name, about }) => `- ${name}: ${about}`)
  const head = ['', ...contenders.map(({ name }) => name)]
  const parts = tables.map(({ name, about, lines }) =>
    [
      `## ${name}`,
      '',
      about,
      '',
      ...table(
        head,
        lines.map(line => [line.name, ...line.cells.map(cellOf)]),
      ),
    ].join('\n'),
  )
  return [...opening(uses), ...parts, closing].join('\n\n') + '\n'
}

function opening(uses: readonly string[]): readonly string[] {
  return [
    '# What becomes of a grant',
    'A refresh is asked for, and something goes wrong. Afterwards the application asks again, up to three times, a minute apart, and once more when the next access token is over. Each cell is one run, measured by `node tools/outcomes.ts` in one process with a clock of its own, so it comes out the same each time; a test compares this page with it.',
    '- **kept** or **signed out**: whether the grant goes on without the person.\n- *n requests*: refreshes that were sent until everybody had a living token. One is what it takes; more than one is the price of what went wrong, or was not needed.\n- *n failed*: calls that were answered with an error though the grant lived.\n- *n needless sign-ins*: calls that sent the person to sign in though the refresh token was good.',
    'The clients, each used as its documentation shows, over a storage that all its processes share:',
    uses.join('\n'),
    'The network loses, delays and answers as each row says, once. A row about the server or the network is about one caller in one process.',
  ]
}

const closing = `## What no client can do

Without a retry key, a binding or client authentication, a server that rotates cannot tell its client from a thief: where the
answer was lost after the rotation and nothing is repeated, the grant is over, whatever the client does. That is what the
strict servers above show, and why Pawl has retry keys. What is proven of \`@pawl/client\` with them, at Pawl with its repeat
window at 0:

- \`npm run prove:crashes\` draws ten thousand runs in which processes die at any effect, the network drops, delays and garbles
  answers, the store fails before or after its commit, and the machine sleeps for nights: nobody is signed out.
- A thief of the refresh token alone is let in at most until its owner refreshes next; then both are out. Of a token that is
  bound to a DPoP key or belongs to a confidential client it gets nothing, and the owner notices nothing.
- A thief of the store cannot read it without the custody key. With the custody key it *is* another holder of the same store:
  it is refused as soon as its owner has moved on twice without it, and ended as soon as it has moved on twice without its
  owner. One that keeps step with its owner for ever is not told apart. A key that cannot be copied (DPoP with a key that is
  not extractable, a custody key in the keystore of the operating system) is what stops it.`

function table(head: readonly string[], lines: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...lines.map(line)]
}

function cellOf({ isKept, requests, failures, needlessSignIns }: Measured): string {
  const parts = [
    isKept ? 'kept' : '**signed out**',
    counted(requests, 'request'),
    ...(failures > 0 ? [`${failures} failed`] : []),
    ...(needlessSignIns > 0 ? [counted(needlessSignIns, 'needless sign-in')] : []),
  ]
  return parts.join(', ')
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
