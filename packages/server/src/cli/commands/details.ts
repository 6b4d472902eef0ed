/** `pawl details`: the types of authorization details that clients may ask for (RFC 9396). */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import {
  detailsTypeJson,
  listDetailsTypes,
  putDetailsType,
  removeDetailsType,
  showDetailsType,
} from '../../admin/details-types.ts'
import type { DetailsType } from '../../domain/authorization-details/details-type.ts'
import { UsageRefused } from '../exit-codes.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { pairs, table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'

const documentBytesMax = 65_536

export function addDetailsCommands(program: Command, world: World): void {
  const group = program.command('details').description('types of authorization details (RFC 9396)')
  addPut(group, world)
  addList(group, world)
  addShow(group, world)
  addRemove(group, world)
}

function addPut(group: Command, world: World): void {
  storeCommand(group, 'put', 'add a type, or replace the one of the same name')
    .argument('<file>', 'a JSON document: type, sentence, resources, schema')
    .action(async (file: string, flags: StoreOptions) => {
      const document = documentIn(file)
      show(world, flags, await withWorkbench(world, flags, workbench => putDetailsType(workbench, document)))
    })
}

function addList(group: Command, world: World): void {
  storeCommand(group, 'list', 'every type').action(async (flags: StoreOptions) => {
    const types = await withWorkbench(world, flags, listDetailsTypes)
    if (flags.json) return printJson(world, types.map(detailsTypeJson))
    if (types.length === 0) return tell(world, 'There are no types yet: pawl details put FILE')
    const rows = types.map(({ type, sentence, resources }) => [type, sentence, resources.join(' ')])
    print(world, table(['TYPE', 'SENTENCE', 'RESOURCES'], rows))
  })
}

function addShow(group: Command, world: World): void {
  storeCommand(group, 'show', 'one type')
    .argument('<type>', 'its name')
    .action(async (type: string, flags: StoreOptions) => {
      show(world, flags, await withWorkbench(world, flags, workbench => showDetailsType(workbench, type)))
    })
}

function addRemove(group: Command, world: World): void {
  storeCommand(group, 'remove', 'grant it no more; what was granted stays')
    .argument('<type>', 'its name')
    .action(async (type: string, flags: StoreOptions) => {
      const removed = await withWorkbench(world, flags, workbench => removeDetailsType(workbench, type))
      if (flags.json) return printJson(world, detailsTypeJson(removed))
      print(world, `Type ${removed.type} is removed.`)
    })
}

function show(world: World, flags: StoreOptions, detailsType: DetailsType): void {
  if (flags.json) return printJson(world, detailsTypeJson(detailsType))
  const entries: readonly (readonly [string, string])[] = [
    ['type', detailsType.type],
    ['sentence', detailsType.sentence],
    ['resources', detailsType.resources.join(' ')],
    ['members', Object.keys(detailsType.schema.properties).join(' ')],
  ]
  print(world, pairs(entries.filter(([, value]) => value !== '')))
}

function documentIn(path: string): unknown {
  const text = textIn(path)
  if (text.length > documentBytesMax) throw new UsageRefused(`${path} is longer than ${documentBytesMax} bytes.`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UsageRefused(`${path} is not JSON.`, { cause })
  }
}

function textIn(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageRefused(`${path} cannot be read.`, { cause })
  }
}
