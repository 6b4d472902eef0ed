/** `pawl client`: registration from a kind. Flags are names of settings; what is allowed is decided in `admin/`. */

import type { Command } from 'commander'
import { clientJson } from '../../admin/client-json.ts'
import {
  changeClient,
  countFamiliesOfClient,
  endOldSecrets,
  listClients,
  overlapSecondsDefault,
  registerClient,
  removeClient,
  rotateSecret,
  showClient,
} from '../../admin/clients.ts'
import { confirmEnding } from '../confirm.ts'
import { UsageRefused } from '../exit-codes.ts'
import { clientWords, secretWords } from './client-words.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'
import { changesOf, type ClientFlags, withClientFlags } from './client-flags.ts'
import { wholeNumber } from './whole-number.ts'

export function addClientCommands(program: Command, world: World): void {
  const group = program.command('client').description('clients: the applications that ask for tokens')
  addAdd(group, world)
  addSet(group, world)
  addShow(group, world)
  addList(group, world)
  addRotateSecret(group, world)
  addRemove(group, world)
}

function addAdd(group: Command, world: World): void {
  const command = storeCommand(group, 'add', 'register a client; its kind settles everything you leave out')
    .argument('<name>', 'the client id')
    .requiredOption('--kind <kind>', 'web, bff, spa, native, device, integration or service')
  withClientFlags(command).action(async (name: string, flags: ClientFlags & StoreOptions & { kind: string }) => {
    const registered = await withWorkbench(world, flags, workbench =>
      registerClient(workbench, { ...changesOf(flags), id: name, kind: flags.kind }),
    )
    if (flags.json) return printJson(world, clientJson(registered.client, registered.secret))
    print(world, clientWords(registered.client))
    if (registered.secret !== null) print(world, secretWords(registered.secret))
  })
}

function addSet(group: Command, world: World): void {
  const command = storeCommand(group, 'set', 'change what you name and leave the rest')
    .argument('<name>', 'the client id')
    .option('--enable', 'let it ask for tokens again')
    .option('--disable', 'refuse it from its next request on')
  const whole = withClientFlags(command).option('--no-partner', 'take the partner label off')
  whole.action(async (name: string, flags: ClientFlags & StoreOptions) => {
    const client = await withWorkbench(world, flags, workbench => changeClient(workbench, name, changesOf(flags)))
    if (flags.json) return printJson(world, clientJson(client))
    print(world, clientWords(client))
  })
}

function addShow(group: Command, world: World): void {
  storeCommand(group, 'show', 'one client, never its secret')
    .argument('<name>', 'the client id')
    .action(async (name: string, flags: StoreOptions) => {
      const client = await withWorkbench(world, flags, workbench => showClient(workbench, name))
      if (flags.json) return printJson(world, clientJson(client))
      print(world, clientWords(client))
    })
}

function addList(group: Command, world: World): void {
  storeCommand(group, 'list', 'every client').action(async (flags: StoreOptions) => {
    const clients = await withWorkbench(world, flags, listClients)
    if (flags.json)
      return printJson(
        world,
        clients.map(client => clientJson(client)),
      )
    if (clients.length === 0)
      return tell(world, 'There are no clients yet: pawl client add NAME --kind web --redirect URI')
    const rows = clients.map(client => [
      client.id,
      client.kind,
      client.authMethod,
      client.disabled ? 'disabled' : 'enabled',
      client.partner ?? '',
      client.redirectUris.join(' '),
    ])
    print(world, table(['CLIENT', 'KIND', 'AUTHENTICATION', 'STATE', 'PARTNER', 'REDIRECT URIS'], rows))
  })
}

function addRotateSecret(group: Command, world: World): void {
  storeCommand(group, 'rotate-secret', 'a new secret; the old one goes on for a while')
    .argument('<name>', 'the client id')
    .option(
      '--overlap-seconds <seconds>',
      'how long the old secret goes on: a day unless said; 0 ends it at once',
      wholeNumber,
    )
    .option('--end-old', 'make no secret, and end every old one that still goes on')
    .action(async (name: string, flags: StoreOptions & { overlapSeconds?: number; endOld?: true }) => {
      if (flags.endOld) return endOld(world, name, flags)
      const overlapSeconds = flags.overlapSeconds ?? overlapSecondsDefault
      const rotated = await withWorkbench(world, flags, workbench => rotateSecret(workbench, name, overlapSeconds))
      if (flags.json) return printJson(world, clientJson(rotated.client, rotated.secret))
      print(world, secretWords(rotated.secret ?? ''))
      tell(world, `The old secret is over in ${overlapSeconds} seconds.`)
    })
}

async function endOld(world: World, name: string, flags: StoreOptions & { overlapSeconds?: number }): Promise<void> {
  if (flags.overlapSeconds !== undefined) throw new UsageRefused('--end-old and --overlap-seconds do not go together.')
  const client = await withWorkbench(world, flags, workbench => endOldSecrets(workbench, name))
  if (flags.json) return printJson(world, clientJson(client))
  tell(world, `Client ${client.id} has its newest secret only.`)
}

function addRemove(group: Command, world: World): void {
  storeCommand(group, 'remove', 'remove a client and end everything it holds')
    .argument('<name>', 'the client id')
    .option('--dry-run', 'count what would end and change nothing')
    .option('--yes', 'do it without asking')
    .action(async (name: string, flags: StoreOptions & { dryRun?: true; yes?: true }) => {
      const result = await withWorkbench(world, flags, async workbench => {
        const families = await countFamiliesOfClient(workbench, name)
        if (flags.dryRun) return { client_id: name, families, dry_run: true }
        // A client nobody uses ends nothing, so there is nothing to confirm.
        if (families > 0) await confirmEnding(world, { words: `client ${name}`, families, yes: flags.yes === true })
        return { client_id: await removeClient(workbench, name), families, dry_run: false }
      })
      if (flags.json) return printJson(world, result)
      const verb = result.dry_run ? 'would be removed and would end' : 'is removed and ended'
      print(world, `Client ${result.client_id} ${verb} ${result.families} families.`)
    })
}
