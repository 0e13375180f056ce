-- Students by the mean of their grades; read by the server at its start.
with points as (
  select g.student_id, avg(g.points) as mean, count(*) as lessons
  from grades g
  join lessons on lessons.id = g.lesson_id
  group by g.student_id
)
select s.name, round(p.mean, 1)::float8 as mean, p.lessons::int as lessons,
  rank() over (order by p.mean desc)::int as place
from points p
join students s on s.id = p.student_id
order by place, s.name;
