/** `pawl upstream`: other OpenID providers at which people may sign in. Secrets come in by stdin and go nowhere else. */

import type { Command } from 'commander'
import { addUpstream, listUpstreams, removeUpstream, upstreamJson } from '../../admin/upstreams.ts'
import { readPassword } from '../read-password.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'

interface AddFlags extends StoreOptions {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecretStdin?: true
  readonly name?: string
  readonly scope?: string
  readonly createUsers?: true
}

export function addUpstreamCommands(program: Command, world: World): void {
  const group = program.command('upstream').description('other OpenID providers at which people may sign in')
  addAdd(group, world)
  addList(group, world)
  addRemove(group, world)
}

function addAdd(group: Command, world: World): void {
  storeCommand(group, 'add', 'let people sign in at another OpenID provider')
    .argument('<id>', 'a short name of lower-case letters and digits')
    .requiredOption('--issuer <url>', 'by which the provider calls itself')
    .requiredOption('--client-id <id>', 'who this server is there')
    .option('--client-secret-stdin', 'read the secret from one line of stdin; without it this is a public client there')
    .option('--name <text>', 'what stands on the button')
    .option('--scope <scopes>', 'what is asked for there, separated by spaces', 'openid email profile')
    .option('--create-users', 'give an account to people whose address the provider vouches for')
    .action(async (id: string, flags: AddFlags) => {
      const clientSecret = flags.clientSecretStdin === true ? await readPassword(world, true) : null
      const { issuer, clientId, name } = flags
      const scopes = (flags.scope ?? '').split(' ').filter(scope => scope !== '')
      const createsUsers = flags.createUsers === true
      const named = name === undefined ? {} : { name }
      const wanted = { id, issuer, clientId, clientSecret, scopes, createsUsers, ...named }
      const upstream = await withWorkbench(world, flags, workbench => addUpstream(workbench, wanted))
      if (flags.json) return printJson(world, upstreamJson(upstream))
      print(
        world,
        `People may sign in at ${upstream.name}. Register /upstream/callback/${upstream.id} of this server there.`,
      )
    })
}

function addList(group: Command, world: World): void {
  storeCommand(group, 'list', 'every upstream provider').action(async (flags: StoreOptions) => {
    const upstreams = await withWorkbench(world, flags, listUpstreams)
    if (flags.json) return printJson(world, upstreams.map(upstreamJson))
    if (upstreams.length === 0) return tell(world, 'There are no upstream providers yet: pawl upstream add ID')
    const rows = upstreams.map(({ id, name, issuer, createsUsers }) => [id, name, issuer, createsUsers ? 'yes' : 'no'])
    print(world, table(['ID', 'NAME', 'ISSUER', 'CREATES USERS'], rows))
  })
}

function addRemove(group: Command, world: World): void {
  storeCommand(group, 'remove', 'let nobody sign in there any more, and forget who was whom')
    .argument('<id>', 'the provider')
    .action(async (id: string, flags: StoreOptions) => {
      await withWorkbench(world, flags, workbench => removeUpstream(workbench, id))
      if (flags.json) return printJson(world, { id })
      print(world, `Nobody signs in at ${id} any more.`)
    })
}
