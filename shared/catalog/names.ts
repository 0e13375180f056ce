/** What a name means: the relation or type that has it, and whether one could be made. */

/**
 * JSON members of a wanted name `w`. Array types that the server made itself are no obstacle, it moves them
 * out of the way; every other type is, row types included (their relation is found beside them).
 */
export const nameMembers = `
  'schema', w.schema_name,
  'name', w.relation_name,
  'schema_oid', w.schema_oid::int8,
  'can_create', coalesce(has_schema_privilege(w.schema_oid, 'CREATE'), false),
  'relation', case when w.oid is not null then
    jsonb_build_object('oid', w.oid::int8, 'kind', w.relkind) end,
  'type', (
    select jsonb_build_object('oid', ty.oid::int8, 'kind',
      case ty.typtype when 'b' then 'base type' when 'c' then 'composite type' when 'd' then 'domain'
        when 'e' then 'enum type' when 'p' then 'pseudo-type' when 'r' then 'range type'
        when 'm' then 'multirange type' else 'type' end)
    from pg_type ty
    where ty.typnamespace = w.schema_oid and ty.typname = w.relation_name::name
      and not (ty.typelem <> 0 and exists (
        select from pg_type element where element.typarray = ty.oid))
    limit 1)`;
