/** `pawl families`: what stands, what is over, and why. */

import { weakSentence } from '@pawl/family'
import type { Command } from 'commander'
import { familiesListedDefault, familyJson, type FamilyView, listFamilies, showFamily } from '../../admin/families.ts'
import { parseInstant } from '../../domain/time.ts'
import { type StoreOptions, storeCommand, withWorkbench } from '../store-command.ts'
import { pairs, relative, table } from '../style.ts'
import { print, printJson, tell, type World } from '../world.ts'
import { wholeNumber } from './whole-number.ts'

interface ListFlags extends StoreOptions {
  readonly client?: string
  readonly user?: string
  readonly living?: true
  readonly limit: number
  readonly after?: string
}

export function addFamiliesCommands(program: Command, world: World): void {
  const group = program.command('families').description('families: chains of refresh tokens, one per sign-in')
  storeCommand(group, 'list', 'families in the order they were opened')
    .option('--client <name>', 'of this client')
    .option('--user <user>', 'of this user (e-mail or subject)')
    .option('--living', 'only those that are not over')
    .option('--limit <count>', 'at most so many', wholeNumber, familiesListedDefault)
    .option('--after <id>', 'the page after this family')
    .action(async (flags: ListFlags) => {
      const { client, user, limit, after } = flags
      const query = { client, user, limit, after, livingOnly: flags.living }
      const views = await withWorkbench(world, flags, workbench => listFamilies(workbench, query))
      if (flags.json) return printJson(world, views.map(familyJson))
      if (views.length === 0) return tell(world, 'There are no such families.')
      print(world, familiesTable(views, world.clock.nowMs()))
      const last = views.at(-1)?.family.id ?? ''
      if (views.length === limit) tell(world, `There may be more: --after ${last}`)
    })
  storeCommand(group, 'show', 'one family, with its last eight uses')
    .argument('<id>')
    .action(async (id: string, flags: StoreOptions) => {
      const view = await withWorkbench(world, flags, workbench => showFamily(workbench, id))
      if (flags.json) return printJson(world, familyJson(view))
      print(world, familyWords(view, world.clock.nowMs()))
      if (view.weak) tell(world, weakSentence)
    })
}

function familiesTable(views: readonly FamilyView[], nowMs: number): string {
  const rows = views.map(({ family, status, weak, overBecause, expiresAtMs }) => [
    family.id,
    family.grant.clientId,
    family.grant.subject ?? '',
    family.branch?.name ?? '',
    overBecause === null ? status : `${status}: ${overBecause}`,
    String(family.generation),
    relative(family.usedAtMs, nowMs),
    overBecause === null ? relative(expiresAtMs, nowMs) : '',
    weak ? 'weak' : '',
  ])
  return table(['FAMILY', 'CLIENT', 'SUBJECT', 'BRANCH', 'STATUS', 'GENERATION', 'USED', 'EXPIRES', ''], rows)
}

function familyWords(view: FamilyView, nowMs: number): string {
  const json = familyJson(view)
  const entries = Object.entries(json)
    .filter(([name, value]) => name !== 'uses' && value !== null)
    .map(([name, value]): [string, string] => [name.replaceAll('_', ' '), wordsOf(value, nowMs)])
  const uses = json['uses'] as readonly { readonly [name: string]: unknown }[]
  const rows = uses.map(use => Object.values(use).map(value => wordsOf(value, nowMs)))
  const lately = uses.length === 0 ? '' : `\n\n${table(['GENERATION', 'AT', 'ADDRESS', 'AGENT', 'RETRY KEY'], rows)}`
  return `${pairs(entries)}${lately}`
}

/** An instant gets how long ago it is beside it. */
function wordsOf(value: unknown, nowMs: number): string {
  if (value === null) return '-'
  if (Array.isArray(value)) return value.join(' ')
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const atMs = text.includes('T') ? parseInstant(text) : null
  return atMs === null ? text : `${text} (${relative(atMs, nowMs)})`
}
