/**
 * The types of authorization details (RFC 9396), as an operator keeps them: put there out of a document, removed. What is
 * written here is seen by every running server in its next request.
 */

import { isResourceIndicator } from '@pawl/protocol'
import { z } from 'zod'
import type { DetailsSchema } from '../domain/authorization-details/details-schema.ts'
import {
  type DetailsType,
  type DetailsTypeReading,
  detailsTypesMax,
} from '../domain/authorization-details/details-type.ts'
import { placesIn, requiredAt } from '../domain/authorization-details/details-words.ts'
import type { EventKind } from '../domain/event/event.ts'
import { isoInstant } from '../domain/time.ts'
import { parseInput } from './client-input.ts'
import { AdminRefused, InputRefused, operatorEvent, retryWhileMoved, type Workbench } from './workbench.ts'

/** How deep objects and lists stand in each other. */
export const schemaDepthMax = 6
export const schemaMembersMax = 32

const title = z.string().min(1).max(100).optional()
const count = z.int().min(0).max(1024)
const textSchema = z.strictObject({
  type: z.literal('string'),
  title,
  enum: z.array(z.string().max(200)).min(1).max(64).optional(),
  minLength: count.optional(),
  maxLength: count.optional(),
})
const numberSchema = z.strictObject({
  type: z.enum(['number', 'integer']),
  title,
  minimum: z.number().optional(),
  maximum: z.number().optional(),
})
const switchSchema = z.strictObject({ type: z.literal('boolean'), title })

/** A keyword that is not known here is refused: it would be a check that nobody makes. */
function anySchema(depth: number): z.ZodType<DetailsSchema> {
  const plain = [textSchema, numberSchema, switchSchema] as const
  if (depth === 0) return z.discriminatedUnion('type', plain)
  const list = z.strictObject({
    type: z.literal('array'),
    title,
    items: anySchema(depth - 1),
    minItems: count.optional(),
    maxItems: count.optional(),
  })
  return z.discriminatedUnion('type', [...plain, list, objectSchema(depth)])
}

function objectSchema(depth: number) {
  const properties = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/), anySchema(depth - 1))
  return z.strictObject({
    type: z.literal('object'),
    title,
    properties: properties.refine(members => Object.keys(members).length <= schemaMembersMax, {
      error: `An object has at most ${schemaMembersMax} members`,
    }),
    required: z.array(z.string()).max(schemaMembersMax).optional(),
  })
}

const detailsTypeSchema = z.strictObject({
  type: z.string().regex(/^[!-~]{1,200}$/, { error: 'A type has 1 to 200 visible characters' }),
  sentence: z.string().min(1).max(300),
  resources: z.array(z.string().max(4096)).max(64).default([]),
  schema: objectSchema(schemaDepthMax),
})

/**
 * Puts a type there, new or in the place of what stood under its name. Throws `InputRefused` with a sentence per mistake,
 * `AdminRefused` where there are too many.
 */
export async function putDetailsType(workbench: Workbench, input: unknown): Promise<DetailsType> {
  const parsed = parseInput(detailsTypeSchema, input)
  const wrong = judgeDetailsType(parsed)
  if (wrong.length > 0) throw new InputRefused(wrong)
  return retryWhileMoved(async () => {
    const { store } = workbench
    const reading = await store.detailsTypes.read(parsed.type)
    const nowMs = await store.now()
    const detailsType = { ...parsed, createdAtMs: reading?.detailsType.createdAtMs ?? nowMs }
    if (reading !== null) {
      const event = typeEvent(workbench, 'details_type_changed', detailsType, nowMs)
      return (await store.detailsTypes.change(detailsType, reading.version, [event])) === 'moved'
        ? 'moved'
        : detailsType
    }
    if ((await store.detailsTypes.names(detailsTypesMax)).length >= detailsTypesMax) {
      throw new AdminRefused(`There are ${detailsTypesMax} types already: remove one first.`)
    }
    const event = typeEvent(workbench, 'details_type_added', detailsType, nowMs)
    return (await store.detailsTypes.add(detailsType, [event])) === 'moved' ? 'moved' : detailsType
  })
}

/** The type as it stands. Throws `AdminRefused` when there is none of that name. */
export async function showDetailsType(workbench: Workbench, type: string): Promise<DetailsType> {
  return (await readDetailsType(workbench, type)).detailsType
}

export function listDetailsTypes(workbench: Workbench): Promise<readonly DetailsType[]> {
  return workbench.store.detailsTypes.list(detailsTypesMax)
}

/** Nobody is granted it any more. What was granted stays, until its client loses the type or the grant ends. */
export async function removeDetailsType(workbench: Workbench, type: string): Promise<DetailsType> {
  return retryWhileMoved(async () => {
    const { detailsType, version } = await readDetailsType(workbench, type)
    const event = typeEvent(workbench, 'details_type_removed', detailsType, await workbench.store.now())
    return (await workbench.store.detailsTypes.remove(type, version, [event])) === 'moved' ? 'moved' : detailsType
  })
}

export function detailsTypeJson(detailsType: DetailsType): { readonly [name: string]: unknown } {
  const { createdAtMs, ...document } = detailsType
  return { ...document, created_at: isoInstant(createdAtMs) }
}

function judgeDetailsType({ sentence, resources, schema }: z.infer<typeof detailsTypeSchema>): string[] {
  const wrong: string[] = []
  if (Object.hasOwn(schema.properties, 'type')) wrong.push('The schema is of everything but type: leave that out.')
  for (const place of placesIn(sentence)) {
    const found = requiredAt(schema, place)
    if (found === null || found.type === 'object' || found.type === 'array') {
      wrong.push(`The sentence names {${place}}, which is no plain value that is always there.`)
    }
  }
  for (const resource of resources) {
    if (!isResourceIndicator(resource))
      wrong.push(`${JSON.stringify(resource)} is not a resource indicator (RFC 8707 §2).`)
  }
  return [...wrong, ...unknownRequired(schema, 'schema')]
}

/** A member that is required and described nowhere could never be sent. */
function unknownRequired(schema: DetailsSchema, place: string): string[] {
  if (schema.type === 'array') return unknownRequired(schema.items, `${place}.items`)
  if (schema.type !== 'object') return []
  const missing = (schema.required ?? []).filter(name => !Object.hasOwn(schema.properties, name))
  const inside = Object.entries(schema.properties).flatMap(([name, each]) => unknownRequired(each, `${place}.${name}`))
  return [...missing.map(name => `${place} requires ${name} and does not describe it.`), ...inside]
}

async function readDetailsType(workbench: Workbench, type: string): Promise<DetailsTypeReading> {
  const reading = await workbench.store.detailsTypes.read(type)
  if (reading === null) throw new AdminRefused(`There is no type ${JSON.stringify(type.slice(0, 200))}.`)
  return reading
}

function typeEvent(workbench: Workbench, kind: EventKind, { type }: DetailsType, atMs: number) {
  return operatorEvent(workbench, kind, { atMs, detail: { type } })
}
