-- More products, for development. Orders of these products have their own prices.
insert into products (category_id, slug, title, price)
select c.id, c.slug || '-' || n, 'Product ' || n, n * 1.5
from categories c, generate_series(1, 3) n;

insert into stock_levels (product_id, warehouse_id, quantity)
select products.id, warehouses.id, 10
from products cross join warehouses
on conflict (product_id, warehouse_id) do update
set quantity = stock_levels.quantity + excluded.quantity;

update customers set orders = (
  select count(*) from orders where orders.customer_id = customers.id
);

-- 'orders' is also the name of a setting.
select set_config('app.badge', 'orders', false);
comment on table wishlist is 'What customers want of the products';
