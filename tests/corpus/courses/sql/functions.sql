create or replace function free_seats(course int) returns int
language sql stable as $$
  select c.seats - (select count(*) from enrolments e where e.course_id = c.id)::int
  from courses c where c.id = course;
$$;

create or replace function enrol(student int, course int) returns text
language plpgsql as $$
declare
  title courses.title%type;
begin
  if free_seats(course) < 1 then
    return 'no seats';
  end if;
  insert into enrolments (student_id, course_id) values (student, course)
  on conflict do nothing;
  select courses.title into title from courses where courses.id = course;
  insert into audit.events (what) values ('enrolments: ' || title);
  return title;
end
$$;
