/** `pawl resource`: the APIs that access tokens are meant for (RFC 8707). */

import type { Command } from 'commander'
import {
  addResource,
  changeResource,
  listResources,
  removeResource,
  resourceJson,
  showResource,
} from '../../admin/resources.ts'
import type { Resource } from '../../domain/resource/resource.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { duration, pairs, table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'
import { wholeNumber } from './whole-number.ts'

interface ResourceFlags extends StoreOptions {
  readonly audience?: string
  readonly scope?: readonly string[]
  readonly tokens?: string
  /** False: `--no-access-seconds`. */
  readonly accessSeconds?: number | false
  readonly alg?: string
  readonly introspector?: readonly string[]
}

export function addResourceCommands(program: Command, world: World): void {
  const group = program.command('resource').description('resources: the APIs that access tokens are meant for')
  addAdd(group, world)
  addList(group, world)
  addShow(group, world)
  addSet(group, world)
  addRemove(group, world)
}

function addAdd(group: Command, world: World): void {
  const command = storeCommand(group, 'add', 'register a resource, so that clients may ask for tokens for it')
  withResourceFlags(command.argument('<uri>', 'what clients send as resource')).action(
    async (indicator: string, flags: ResourceFlags) => {
      const resource = await withWorkbench(world, flags, workbench =>
        addResource(workbench, { ...changesOf(flags), indicator }),
      )
      show(world, flags, resource)
    },
  )
}

function addList(group: Command, world: World): void {
  storeCommand(group, 'list', 'every resource').action(async (flags: StoreOptions) => {
    const resources = await withWorkbench(world, flags, listResources)
    if (flags.json) return printJson(world, resources.map(resourceJson))
    if (resources.length === 0) return tell(world, 'There are no resources yet: pawl resource add URI')
    const rows = resources.map(({ indicator, audience, accessTokenFormat, scopes }) => [
      indicator,
      audience === indicator ? '' : audience,
      accessTokenFormat ?? '',
      scopes.join(' '),
    ])
    print(world, table(['RESOURCE', 'AUDIENCE', 'TOKENS', 'SCOPES'], rows))
  })
}

function addShow(group: Command, world: World): void {
  storeCommand(group, 'show', 'one resource')
    .argument('<uri>', 'the resource')
    .action(async (indicator: string, flags: StoreOptions) => {
      show(world, flags, await withWorkbench(world, flags, workbench => showResource(workbench, indicator)))
    })
}

function addSet(group: Command, world: World): void {
  const command = storeCommand(group, 'set', 'change what you name and leave the rest')
  withResourceFlags(command.argument('<uri>', 'the resource'))
    .option('--no-access-seconds', 'as long as the client has them')
    .action(async (indicator: string, flags: ResourceFlags) => {
      const resource = await withWorkbench(world, flags, workbench =>
        changeResource(workbench, indicator, changesOf(flags)),
      )
      show(world, flags, resource)
    })
}

function addRemove(group: Command, world: World): void {
  storeCommand(group, 'remove', 'give out no more tokens for it; those that are out run out by themselves')
    .argument('<uri>', 'the resource')
    .action(async (indicator: string, flags: StoreOptions) => {
      const resource = await withWorkbench(world, flags, workbench => removeResource(workbench, indicator))
      if (flags.json) return printJson(world, resourceJson(resource))
      print(world, `Resource ${resource.indicator} is removed.`)
    })
}

function withResourceFlags(command: Command): Command {
  return command
    .option('--audience <name>', 'what its tokens carry as aud (default: the URI itself)')
    .option('--scope <scopes>', 'the scopes it knows; its tokens carry no others; several times', collectWords)
    .option('--tokens <format>', 'jwt or opaque, or client for whatever the client has')
    .option('--access-seconds <seconds>', 'how long its access tokens live at most', wholeNumber)
    .option('--alg <alg>', 'what its JWTs are signed with')
    .option('--introspector <client>', 'a client that may ask about its tokens; several times', collect)
}

function changesOf(flags: ResourceFlags): { readonly [name: string]: unknown } {
  const changes = {
    audience: flags.audience,
    scopes: flags.scope,
    accessTokenFormat: flags.tokens === 'client' ? null : flags.tokens,
    accessSeconds: flags.accessSeconds === false ? null : flags.accessSeconds,
    signingAlgorithm: flags.alg,
    introspectors: flags.introspector,
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}

function show(world: World, flags: StoreOptions, resource: Resource): void {
  if (flags.json) return printJson(world, resourceJson(resource))
  const { accessTokenFormat, accessTokenSeconds } = resource
  const entries: readonly (readonly [string, string])[] = [
    ['resource', resource.indicator],
    ['audience', resource.audience],
    ['scopes', resource.scopes.join(' ')],
    ['tokens', accessTokenFormat ?? 'as the client has them'],
    ['access token', accessTokenSeconds === null ? 'as the client has it' : duration(accessTokenSeconds)],
    ['signed with', accessTokenFormat === 'opaque' ? '' : resource.signingAlgorithm],
    ['introspectors', resource.introspectors.join(' ')],
  ]
  print(world, pairs(entries.filter(([, value]) => value !== '')))
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function collectWords(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(' ').filter(word => word !== '')]
}
