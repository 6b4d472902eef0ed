/** `pawl registration-token`: what an operator hands to whoever may register a client (RFC 7591). */

import type { Command } from 'commander'
import {
  addRegistrationToken,
  listRegistrationTokens,
  type NewTokenInput,
  registrationTokenJson,
  revokeRegistrationToken,
} from '../../admin/registration-tokens.ts'
import { isoInstant } from '../../domain/time.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'
import { wholeNumber } from './whole-number.ts'

interface AddFlags extends StoreOptions {
  readonly uses?: number
  readonly kind?: NonNullable<NewTokenInput['kinds']>
  readonly scope?: readonly string[]
  readonly partner?: string
  readonly expiresSeconds?: number
}

export function addRegistrationTokenCommands(program: Command, world: World): void {
  const group = program.command('registration-token').description('tokens that let somebody register a client')
  addAdd(group, world)
  addList(group, world)
  addRevoke(group, world)
}

function addAdd(group: Command, world: World): void {
  storeCommand(group, 'add', 'make a token for one registration, or for several')
    .argument('<name>', 'what it is called in events and on the clients that come by it')
    .option('--uses <number>', 'how many clients may come by it (default 1)', wholeNumber)
    .option('--kind <kind>', 'a kind they may have; several times (default web, spa, native, device)', collect)
    .option('--scope <scopes>', 'what they may ask for, separated by spaces; several times', collectWords)
    .option('--partner <label>', 'the partner they belong to')
    .option('--expires-seconds <seconds>', 'how long it opens anything (default a week)', wholeNumber)
    .action(async (name: string, flags: AddFlags) => {
      const wanted = {
        name,
        ...(flags.uses !== undefined && { uses: flags.uses }),
        ...(flags.kind !== undefined && { kinds: flags.kind }),
        ...(flags.scope !== undefined && { scopes: [...flags.scope] }),
        ...(flags.partner !== undefined && { partner: flags.partner }),
        ...(flags.expiresSeconds !== undefined && { seconds: flags.expiresSeconds }),
      }
      const { token, secret } = await withWorkbench(world, flags, workbench => addRegistrationToken(workbench, wanted))
      if (flags.json) return printJson(world, registrationTokenJson(token, secret))
      print(world, `registration token   ${secret}`)
      tell(world, 'It is shown this once and kept as a hash only: hand it over now.')
    })
}

function addList(group: Command, world: World): void {
  storeCommand(group, 'list', 'every token, never its secret').action(async (flags: StoreOptions) => {
    const tokens = await withWorkbench(world, flags, listRegistrationTokens)
    if (flags.json)
      return printJson(
        world,
        tokens.map(token => registrationTokenJson(token)),
      )
    if (tokens.length === 0) return tell(world, 'There are no tokens: pawl registration-token add NAME')
    const rows = tokens.map(token => [
      token.name,
      String(token.usesLeft),
      isoInstant(token.expiresAtMs),
      token.kinds.join(' '),
      token.partner ?? '',
    ])
    print(world, table(['TOKEN', 'USES LEFT', 'EXPIRES', 'KINDS', 'PARTNER'], rows))
  })
}

function addRevoke(group: Command, world: World): void {
  storeCommand(group, 'revoke', 'open nothing with it any more; the clients that came by it stay')
    .argument('<name>')
    .action(async (name: string, flags: StoreOptions) => {
      await withWorkbench(world, flags, workbench => revokeRegistrationToken(workbench, name))
      if (flags.json) return printJson(world, { name, revoked: true })
      print(world, `The registration token ${name} opens nothing any more.`)
    })
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function collectWords(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(' ').filter(word => word !== '')]
}
