/**
 * What one type of authorization details may hold (RFC 9396 §2, §5): a small, closed part of JSON Schema. What a schema
 * does not name is refused, so that nothing is granted that nobody has described. Pure.
 */

export type DetailsSchema = ObjectSchema | ListSchema | TextSchema | NumberSchema | SwitchSchema

interface Titled {
  /** What the person reads beside the value; without it, the name of the member. */
  readonly title?: string | undefined
}

export interface ObjectSchema extends Titled {
  readonly type: 'object'
  readonly properties: { readonly [name: string]: DetailsSchema }
  readonly required?: readonly string[] | undefined
}

export interface ListSchema extends Titled {
  readonly type: 'array'
  readonly items: DetailsSchema
  readonly minItems?: number | undefined
  readonly maxItems?: number | undefined
}

export interface TextSchema extends Titled {
  readonly type: 'string'
  readonly enum?: readonly string[] | undefined
  readonly minLength?: number | undefined
  readonly maxLength?: number | undefined
}

export interface NumberSchema extends Titled {
  readonly type: 'number' | 'integer'
  readonly minimum?: number | undefined
  readonly maximum?: number | undefined
}

export interface SwitchSchema extends Titled {
  readonly type: 'boolean'
}

/** Where a schema says nothing else. */
export const textCharactersMax = 1024
export const listItemsMax = 64

/** What is wrong, in a sentence that names the place, or null. */
export function judgeValue(schema: DetailsSchema, value: unknown, place: string): string | null {
  switch (schema.type) {
    case 'object':
      return judgeObject(schema, value, place)
    case 'array':
      return judgeList(schema, value, place)
    case 'string':
      return judgeText(schema, value, place)
    case 'number':
    case 'integer':
      return judgeNumber(schema, value, place)
    case 'boolean':
      return typeof value === 'boolean' ? null : `${place} is neither true nor false.`
  }
}

function judgeObject(schema: ObjectSchema, value: unknown, place: string): string | null {
  if (!isRecord(value)) return `${place} is no object.`
  const missing = (schema.required ?? []).find(name => !Object.hasOwn(value, name))
  if (missing !== undefined) return `${place}.${missing} is missing.`
  for (const [name, member] of Object.entries(value)) {
    const known = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
    if (known === undefined) return `${place} has a member that is not known.`
    const fault = judgeValue(known, member, `${place}.${name}`)
    if (fault !== null) return fault
  }
  return null
}

function judgeList(schema: ListSchema, value: unknown, place: string): string | null {
  if (!Array.isArray(value)) return `${place} is no list.`
  const { minItems = 0, maxItems = listItemsMax } = schema
  if (value.length < minItems || value.length > maxItems) return `${place} has too few or too many members.`
  for (const [index, item] of value.entries()) {
    const fault = judgeValue(schema.items, item, `${place}[${index}]`)
    if (fault !== null) return fault
  }
  return null
}

function judgeText(schema: TextSchema, value: unknown, place: string): string | null {
  if (typeof value !== 'string' || !isPlainText(value)) return `${place} is no plain text.`
  const { minLength = 0, maxLength = textCharactersMax } = schema
  if (value.length < minLength || value.length > maxLength) return `${place} is too short or too long.`
  return schema.enum === undefined || schema.enum.includes(value) ? null : `${place} is none of what it may be.`
}

function judgeNumber(schema: NumberSchema, value: unknown, place: string): string | null {
  // 1e400 is Infinity to JSON.parse and null to JSON.stringify.
  if (typeof value !== 'number' || !Number.isFinite(value)) return `${place} is no number.`
  if (schema.type === 'integer' && !Number.isSafeInteger(value)) return `${place} is no whole number.`
  const { minimum = -Number.MAX_VALUE, maximum = Number.MAX_VALUE } = schema
  return value < minimum || value > maximum ? `${place} is too small or too large.` : null
}

/** A person reads it on a page: no control character but tabs and line feeds, and nothing that is half a character. */
function isPlainText(text: string): boolean {
  return text.isWellFormed() && !/(?![\t\n])\p{Cc}/u.test(text)
}

export function isRecord(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
